#pragma once
// What a trainer saves and goes on from.

#include <napi.h>

namespace saev::bind {

void register_trainer_checkpoint(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

#pragma once
// syncFileSystem

#include <napi.h>

namespace saev::bind {

void register_sync(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

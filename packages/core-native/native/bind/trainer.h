#pragma once
// The JavaScript class Trainer, and evaluation.

#include <napi.h>

namespace saev::bind {
void register_trainer(Napi::Env env, Napi::Object exports);
void register_evaluate(Napi::Env env, Napi::Object exports);
}  // namespace saev::bind

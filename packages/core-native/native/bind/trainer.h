#pragma once
// The JavaScript class Trainer, and evaluation.

#include <napi.h>

#include "sae/schedule.h"

namespace saev::bind {
/// "constant", "linear" or "cosine".
Decay decay_of(const Napi::Value& value);
void register_training_plan(Napi::Env env, Napi::Object exports);
void register_trainer(Napi::Env env, Napi::Object exports);
void register_evaluate(Napi::Env env, Napi::Object exports);
}  // namespace saev::bind

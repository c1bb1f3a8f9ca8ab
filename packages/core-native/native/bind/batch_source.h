#pragma once
// Loaders. Every one crosses as a handle of class "BatchSource" that holds a saev::BatchSource.

#include <napi.h>

namespace saev::bind {

inline constexpr const char* kBatchSourceKind = "BatchSource";

void register_batch_source(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

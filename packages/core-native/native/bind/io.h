#pragma once

#include <napi.h>

namespace saev::bind {
/// Files of tensors, shard folders, loaders.
void register_io(Napi::Env env, Napi::Object exports);
}  // namespace saev::bind

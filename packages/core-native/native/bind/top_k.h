#pragma once
// Statistics over latents: TopKAccumulator.

#include <napi.h>

namespace saev::bind {

void register_top_k(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

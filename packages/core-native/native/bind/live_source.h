#pragma once
// Live activations: a source that training reads, and the feed through which whoever runs the ViT fills it.

#include <napi.h>

namespace saev::bind {

void register_live_source(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

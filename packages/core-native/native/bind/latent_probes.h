#pragma once

#include <napi.h>

namespace saev::bind {

void register_latent_probes(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

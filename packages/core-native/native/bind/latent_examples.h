#pragma once

#include <napi.h>

namespace saev::bind {

/// topKExamples(statistics) → the tables of a LatentExamples, see src/stats/latent-examples.ts
void register_latent_examples(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

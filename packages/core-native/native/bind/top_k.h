#pragma once
// Statistics over latents: TopKAccumulator.

#include <napi.h>

#include <memory>

#include "stats/top_k.h"

namespace saev::bind {

/// The statistics behind a handle. Throws Code::kInvalidArgument when they are not finished.
std::shared_ptr<TopKAccumulator> finished_top_k(const Napi::Value& value);

void register_top_k(Napi::Env env, Napi::Object exports);
/// legacyTopK, legacyPercentiles.
void register_legacy_top_k(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

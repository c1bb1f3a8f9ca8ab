#pragma once

#include <napi.h>

#include "sae/evaluation_sums.h"

namespace saev::bind {

/// { almostDeadThreshold, denseThreshold }
FrequencyThresholds thresholds_of(const Napi::Object& options);
/// Figures as numbers, tables over latents as tensors.
Napi::Value evaluation_to_js(Napi::Env env, Evaluation& figures);

void register_evaluation_sums(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

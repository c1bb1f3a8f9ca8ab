#pragma once
// Loaders. Every one crosses as a handle of class "BatchSource" that holds a saev::BatchSource.

#include <napi.h>

#include <memory>
#include <string>

#include "io/batch_source.h"
#include "io/row_view.h"
#include "io/scaling.h"

namespace saev::bind {

inline constexpr const char* kBatchSourceKind = "BatchSource";

/// A handle for a source, which from then on belongs to one call at a time.
Napi::Value wrap_source(Napi::Env env, std::unique_ptr<BatchSource> source);

/// `patches` and `layers` of a row choice. Throw Code::kInvalidArgument.
Patches patches_of(const std::string& name);
Layers layers_of(const std::string& name);

/// `clamp`, `scalar` and `actMean` (zeros when absent) of an options object, for activations of width `d`.
/// Throws Code::kInvalidArgument, Code::kShapeMismatch.
Scaling scaling_of(const Napi::Object& options, int64_t d);
/// { actMean, scalar, nSamples, largestSample }
Napi::Object scaling_to_js(Napi::Env env, const Scaling& scaling, const ScalingReport& report);

void register_batch_source(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

#pragma once

#include <napi.h>

namespace saev::bind {

/// Of a handle on a VisionModel.
inline constexpr const char* kVisionKind = "VisionModel";

/// interpolatePositions, measureProducts, visionModelInfo, visionModelPrepare, visionModelRecord,
/// visionModelEmbed, visionModelResidual, visionModelContinue.
void register_vision_model(Napi::Env env, Napi::Object exports);
/// loadClip, loadSiglip, loadDinov2, loadDinov3, loadVit, loadEva, loadPerceptionEncoder.
void register_vision_loaders(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

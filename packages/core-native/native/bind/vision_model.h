#pragma once

#include <napi.h>

namespace saev::bind {
/// loadClip, loadSiglip, loadDinov2, loadDinov3, loadVit, loadEva, loadPerceptionEncoder,
/// interpolatePositions, visionModelInfo, visionModelRecord, visionModelEmbed.
void register_vision_model(Napi::Env env, Napi::Object exports);
}  // namespace saev::bind

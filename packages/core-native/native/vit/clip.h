#pragma once
// The vision towers of CLIP as open_clip writes them: tensors `visual.*`.

#include <cstdint>
#include <memory>
#include <string>

#include "vit/vision_model.h"

namespace saev {

/// `model_cfg.vision_cfg` of an open_clip_config.json, resolved.
struct ClipConfig {
  int64_t height = 0, width = 0;              ///< pixels of an image
  int64_t patch_height = 0, patch_width = 0;  ///< pixels of a patch
  int64_t n_layers = 0;
  int64_t d_vit = 0;
  int64_t heads = 0;
  int64_t hidden = 0;  ///< of the MLP
  float eps = 1e-5f;   ///< of every layer norm
  Gelu gelu = Gelu::kErf;
  bool norm_before_blocks = true;  ///< `ln_pre`
  bool layer_scale = false;        ///< `ls_1.gamma`, `ls_2.gamma`
};

/// Loads the tower from safetensors or a torch archive, float16, bfloat16 or float32 on disk.
/// Throws Code::kBadFile with a line that lists every missing, misshapen or unexpected tensor.
std::shared_ptr<VisionModel> load_clip(const ClipConfig& config, const std::string& path);

}  // namespace saev

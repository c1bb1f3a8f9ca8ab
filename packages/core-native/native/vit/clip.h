#pragma once
// The vision towers of CLIP as open_clip writes them: tensors `visual.*`.

#include <memory>
#include <string>
#include <vector>

#include "vit/model_sizes.h"
#include "vit/vision_model.h"

namespace saev {

/// `model_cfg.vision_cfg` of an open_clip_config.json, resolved.
struct ClipConfig : ModelSizes {
  bool norm_before_blocks = true;  ///< `ln_pre`
  bool norm_after_pool = false;    ///< `final_ln_after_pool`
  bool layer_scale = false;        ///< `ls_1.gamma`, `ls_2.gamma`
};

/// Loads the tower from the files that hold its weights (`open_weight_files`), float16, bfloat16 or float32.
/// Throws Code::kBadFile with a line that lists every missing, misshapen or unexpected tensor.
std::shared_ptr<VisionModel> load_clip(const ClipConfig& config, const std::vector<std::string>& paths);

}  // namespace saev

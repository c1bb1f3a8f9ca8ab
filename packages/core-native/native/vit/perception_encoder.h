#pragma once
// The vision towers of Perception Encoder (PE Core and PE Spatial): timm's Eva with a norm before the blocks,
// as the trunk of an open_clip model or by itself.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vit/model_sizes.h"
#include "vit/vision_model.h"

namespace saev {

struct PerceptionEncoderConfig : ModelSizes {
  bool has_cls = true;
  bool layer_scale = false;  ///< `gamma_1`, `gamma_2`
  int64_t rope_side = 0;     ///< patches a side that rotary positions were made for
  double rope_offset = 0;    ///< of a patch's row and column
};

/// Loads the tower from the files that hold its weights (`open_weight_files`), float16, bfloat16 or float32.
/// Throws Code::kBadFile with a line that lists every missing, misshapen or unexpected tensor.
std::shared_ptr<VisionModel> load_perception_encoder(const PerceptionEncoderConfig& config,
                                                     const std::vector<std::string>& paths);

}  // namespace saev

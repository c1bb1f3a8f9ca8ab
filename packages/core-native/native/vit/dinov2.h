#pragma once
// The vision transformers of dinov2: its own state_dict, `blocks.*` and what goes before them, or Hugging
// Face's, `encoder.layer.*`.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vit/model_sizes.h"
#include "vit/vision_model.h"

namespace saev {

/// Arguments of dinov2's DinoVisionTransformer, resolved.
struct Dinov2Config : ModelSizes {
  int64_t positions_side = 0;    ///< patches a side of the grid that positions are stored for
  int64_t n_registers = 0;       ///< `register_tokens`
  bool layer_scale = false;      ///< `ls1.gamma`, `ls2.gamma`
  bool swiglu = false;           ///< `mlp.w12`, `mlp.w3`; `hidden` is then what w3 takes
  bool antialias = false;        ///< of the interpolated positions
  double offset = 0;             ///< `interpolate_offset`
  bool transformers = false;     ///< names as Hugging Face's transformers has them
  bool qkv_bias = true;          ///< of Hugging Face's layout
  int64_t layers_per_chunk = 0;  ///< 0: "blocks.3."; else "blocks.1.3.", the chunk first
};

/// Loads the model from the files that hold its weights (`open_weight_files`), float16, bfloat16 or float32.
/// Positions are those of `height` × `width`: as stored at the size they were learnt for, else interpolated.
/// Throws Code::kBadFile with a line that lists every missing, misshapen or unexpected tensor.
std::shared_ptr<VisionModel> load_dinov2(const Dinov2Config& config, const std::vector<std::string>& paths);

}  // namespace saev

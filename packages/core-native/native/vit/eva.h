#pragma once
// The vision towers of EVA and EVA-02 CLIPs: timm's Eva, as the trunk of an open_clip model or by itself.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vit/model_sizes.h"
#include "vit/vision_model.h"

namespace saev {

struct EvaConfig : ModelSizes {
  bool split_qkv = false;    ///< `attn.q_proj` and so on; keys have no bias in either form
  bool swiglu = false;       ///< `mlp.fc1_g`, `mlp.fc1_x`
  bool inner_norms = false;  ///< `attn.norm`, `mlp.norm`
  bool post_norm = false;    ///< norms of the branches' outputs
  int64_t rope_side = 0;     ///< patches a side that rotary positions were made for; 0: there are none
};

/// Loads the tower from the files that hold its weights (`open_weight_files`), float16, bfloat16 or float32.
/// Throws Code::kBadFile with a line that lists every missing, misshapen or unexpected tensor.
std::shared_ptr<VisionModel> load_eva(const EvaConfig& config, const std::vector<std::string>& paths);

}  // namespace saev

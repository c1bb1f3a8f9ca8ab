#pragma once
// The vision towers of SigLIP and SigLIP 2 as open_clip writes them: timm's ViT, tensors `visual.trunk.*`.

#include <memory>
#include <string>
#include <vector>

#include "vit/model_sizes.h"
#include "vit/vision_model.h"

namespace saev {

/// Loads the tower from the files that hold its weights (`open_weight_files`), float16, bfloat16 or float32.
/// No CLS; what pools the tokens after the last block (`attn_pool`, `norm`, `fc_norm`, `head`) is passed
/// over. Throws Code::kBadFile with a line that lists every missing, misshapen or unexpected tensor.
std::shared_ptr<VisionModel> load_siglip(const ModelSizes& sizes, const std::vector<std::string>& paths);

}  // namespace saev

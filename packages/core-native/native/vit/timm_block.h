#pragma once
// Residual blocks under the names that timm and dinov2 give their tensors.

#include <string>

#include "vit/block.h"
#include "vit/model_sizes.h"
#include "vit/weights.h"

namespace saev {

struct TimmBlock {
  bool layer_scale = false;  ///< `ls1.gamma`, `ls2.gamma`
  bool swiglu = false;       ///< `mlp.w12`, `mlp.w3` instead of `mlp.fc1`, `mlp.fc2`
};

/// Takes the tensors that begin with `at` ("blocks.3.").
Block take_timm_block(WeightReader& weights, const std::string& at, const ModelSizes& sizes,
                      const TimmBlock& kind = {});

}  // namespace saev

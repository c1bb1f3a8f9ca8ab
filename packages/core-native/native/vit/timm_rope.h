#pragma once
// Rotary positions of timm's Eva: its own models and the Perception Encoder.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "vit/model_sizes.h"

namespace saev {

struct TimmRope {
  int64_t side = 0;   ///< patches a side of the grid that frequencies were made for; others are scaled to it
  double offset = 0;  ///< added to a patch's row and column
  bool x_first = false;  ///< whether a head's first half turns by the column
};

/// Angles [patches, head width / 2] for the grid of `sizes`: (row + offset) · side / rows times
/// 10000^(−i / (head width / 4)), then the same with columns. Each step rounds as float32.
at::Tensor timm_angles(const ModelSizes& sizes, const TimmRope& rope);

}  // namespace saev

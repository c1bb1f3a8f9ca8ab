#pragma once
// Positional embeddings for another grid than the one they were learnt on, as dinov2 resamples them: with
// torch.nn.functional.interpolate, mode "bicubic".

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace saev {

struct PositionInterpolation {
  int64_t rows = 0, columns = 0;  ///< patches of the new grid
  /// Whether the filter widens when the grid shrinks. The cubic's a is −0.5 with it and −0.75 without, as in
  /// PyTorch.
  bool antialias = false;
  /// In [0, 1). Above 0 the scale is (size + offset) / side, used as given in the coordinates: source =
  /// (target + ½) / scale − ½. At 0 it is the ratio of the sizes.
  double offset = 0;
};

/// `table` [side², d] float32, row by row → [rows · columns, d]. Throws Code::kInvalidArgument for a table
/// that is no square, a grid without patches, or an offset out of range.
at::Tensor interpolate_positions(const at::Tensor& table, const PositionInterpolation& to);

}  // namespace saev

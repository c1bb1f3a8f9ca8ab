#pragma once
// A convolution whose stride is its size, as one product.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernels/cpu/linear.h"

namespace saev {

/// `input` [n, 3, height, width] cut into patches of `patch_height` × `patch_width`, row by row:
/// [n · patches, 3 · patch_height · patch_width], contiguous. Pixels beyond the last whole patch are left
/// out.
at::Tensor cut_patches(const at::Tensor& input, int64_t patch_height, int64_t patch_width);

/// The convolution: patches times a weight that is packed once.
class PatchProjection {
 public:
  PatchProjection() = default;
  /// `weight` [d, 3, patch_height, patch_width] float32, or undefined (a tensor that was missing).
  explicit PatchProjection(const at::Tensor& weight);

  /// `input` [n, 3, height, width] → [n · patches, d]
  at::Tensor operator()(const at::Tensor& input) const;

 private:
  int64_t patch_height_ = 0, patch_width_ = 0;
  at::Tensor weight_;    ///< [d, 3 · patch_height · patch_width], where there is no product of ours
  PackedLinear packed_;  ///< otherwise
};

/// Puts tokens together: out [n, prefix + patches, d] from `patches` [n · patches, d], the tokens `prefix`
/// [prefix, d] that every image starts with (may be undefined), and `position` [prefix + patches, d] added to
/// all.
at::Tensor join_tokens(const at::Tensor& patches, int64_t n, const at::Tensor& prefix,
                       const at::Tensor& position);

}  // namespace saev

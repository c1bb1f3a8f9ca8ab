#pragma once
// A convolution whose stride is its size, as one product.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace saev {

/// `input` [n, 3, height, width] cut into patches of `patch_height` × `patch_width`, row by row:
/// [n · patches, 3 · patch_height · patch_width], contiguous. Pixels beyond the last whole patch are left
/// out.
at::Tensor cut_patches(const at::Tensor& input, int64_t patch_height, int64_t patch_width);

/// Puts tokens together: out [n, prefix + patches, d] from `patches` [n · patches, d], the tokens `prefix`
/// [prefix, d] that every image starts with (may be undefined), and `position` [prefix + patches, d] added to
/// all.
at::Tensor join_tokens(const at::Tensor& patches, int64_t n, const at::Tensor& prefix,
                       const at::Tensor& position);

}  // namespace saev

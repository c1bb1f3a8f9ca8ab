#pragma once
// Rotary positions: queries and keys of a patch are turned by angles that depend on where it lies.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

namespace saev {

/// For each patch and each pair of a head's numbers, the cosine and sine of its angle. All blocks of a model
/// share one.
struct Rope {
  at::Tensor cos, sin;  ///< [patches, head width / 2] float32, contiguous
  int64_t prefix = 0;   ///< tokens before the patches, which are not turned
  /// Which numbers are a pair: 2 i and 2 i + 1, or i and i + head width / 2.
  bool interleaved = false;
};

/// The rotation of `angles` [patches, head width / 2].
std::shared_ptr<const Rope> rope_of_angles(const at::Tensor& angles, int64_t prefix, bool interleaved);

/// Turns queries and keys in `qkv` [images · tokens, 3 d] in place, with tokens = prefix + patches:
/// (a, b) becomes (a cos − b sin, b cos + a sin). Values stay. Runs on all threads.
void rotate(const Rope& rope, at::Tensor& qkv, int64_t images, int64_t heads);

}  // namespace saev

#pragma once
// softmax(Q Kᵀ / √width) V for all images and heads, from the output of a qkv product where it lies. No
// tokens × tokens matrix exists: a group of rows of scores lives in the caches of the core that makes it.

#include <cstdint>

#include "kernels/cpu/rows_view.h"
#include "kernels/level.h"

namespace saev {

struct Attention {
  const float* qkv = nullptr;  ///< [images · tokens, 3 · heads · width]: queries, keys, values; no gaps
  RowsView out;                ///< [images · tokens, heads · width], heads side by side
  int64_t images = 0, tokens = 0, heads = 0;
  int64_t width = 0;  ///< of a head
};

/// NaN or infinity in a head's scores makes that row NaN, as the formula does. Images and heads are
/// independent, and sums are made in a fixed order: the result depends neither on threads nor on the number
/// of images. Runs on all threads.
void attention(const Attention& a, Level level = active_level());

}  // namespace saev

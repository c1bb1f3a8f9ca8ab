#pragma once
// One head of one image: what level files implement for `attention`.

#include "kernels/cpu/attention.h"

namespace saev {

/// Floats of scratch that `attention_head` needs.
inline int64_t attention_scratch(const Attention& a) {
  const auto padded = [](int64_t n) { return (n + 31) / 32 * 32; };
  // Keys and values in panels of 32 columns; a group of queries and of score rows.
  return padded(a.tokens) * a.width + padded(a.width) * a.tokens + 12 * (a.width + padded(a.tokens) + 16) +
         48;
}

#define SAEV_DECLARE(level)                                                             \
  namespace level {                                                                     \
  void attention_head(const Attention& a, int64_t image, int64_t head, float* scratch); \
  }
SAEV_DECLARE(avx2)
SAEV_DECLARE(avx512)
SAEV_DECLARE(neon)
#undef SAEV_DECLARE

}  // namespace saev

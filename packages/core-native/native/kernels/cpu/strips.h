#pragma once
// Cutting a slice into strips of at most kStripVectors vectors, each worked on by a kernel that knows the
// number at compile time. For level files only.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

/// Vectors whose sums stay in registers.
constexpr int kStripVectors = 12;

template <int N>
struct VectorCount {
  static constexpr int value = N;
};

/// Calls `work(VectorCount<n>{}, first column)` for each strip of `width` columns (a multiple of 16).
template <typename Work>
SAEV_INLINE void for_each_strip(int64_t width, const Work& work) {
  const int64_t vectors = width / kWidth;
  const int64_t strips = (vectors + kStripVectors - 1) / kStripVectors;
  for (int64_t s = 0; s < strips; ++s) {
    const int64_t begin = vectors * s / strips, end = vectors * (s + 1) / strips;
    const int64_t column = begin * kWidth;
    switch (end - begin) {
#define SAEV_STRIP(n)               \
  case n:                           \
    work(VectorCount<n>{}, column); \
    break;
      SAEV_STRIP(1)
      SAEV_STRIP(2)
      SAEV_STRIP(3)
      SAEV_STRIP(4)
      SAEV_STRIP(5)
      SAEV_STRIP(6)
      SAEV_STRIP(7)
      SAEV_STRIP(8)
      SAEV_STRIP(9)
      SAEV_STRIP(10)
      SAEV_STRIP(11)
      SAEV_STRIP(12)
#undef SAEV_STRIP
    }
  }
}

}  // namespace
}  // namespace saev

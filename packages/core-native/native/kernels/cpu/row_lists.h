#pragma once
// Rows' own lists: what a tile adds to them, and all of them made into one. For level files only.

#include "kernels/cpu/compress.h"
#include "kernels/cpu/simd.h"

namespace saev {
namespace {

/// Sums [kRows][two vectors] and biases above the row's floor go to the rows' lists, `count[r]` entries so
/// far; the latents are `base` and those that follow.
template <int kRows>
SAEV_INLINE void list_tile(const float* sums, const float* bias, const float* floor, int base, float* value,
                           uint16_t* index, int64_t stride, int* count) {
  const Vec b0 = load(bias), b1 = load(bias + kWidth);
  SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
    float* v = value + r * stride;
    uint16_t* i = index + r * stride;
    const Vec least = splat(floor[r]);
    const float* row = sums + r * 2 * kWidth;
    const int n = append_above(load(row) + b0, least, base, v, i, count[r]);
    count[r] = append_above(load(row + kWidth) + b1, least, base + kWidth, v, i, n);
  }
}

/// Copies the first count[r] entries of row r, at row_value + r · stride, one row after the other to `value`
/// and `index`; bounds, from `first` on, to ptr [n + 1]. Writes up to kWidth entries too many.
SAEV_INLINE void join_rows(const float* row_value, const uint16_t* row_index, int64_t stride,
                           const int* count, int64_t n, float* value, uint16_t* index, int32_t* ptr,
                           int32_t first) {
  int32_t end = 0;
  for (int64_t r = 0; r < n; ++r) {
    ptr[r] = first + end;
    const float* v = row_value + r * stride;
    const uint16_t* ix = row_index + r * stride;
    for (int q = 0; q < count[r]; q += kWidth) {
      storeu(value + end + q, loadu(v + q));
      __builtin_memcpy(index + end + q, ix + q, kWidth * sizeof(uint16_t));
    }
    end += count[r];
  }
  ptr[n] = first + end;
}

}  // namespace
}  // namespace saev

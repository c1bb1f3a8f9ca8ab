#pragma once
// Rows' own lists made into one. For level files only.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

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

#pragma once
// The inner loop of products of bfloat16 in vectors, for *.bf16.cc only.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

/// sum += Σ_pair rows · w, two products a lane (vdpbf16ps, which takes denormals as 0). Row r's pair k is at
/// rows + r · row + k · pair; w is [pair][two vectors of lanes][2].
template <int kRows>
SAEV_INLINE void multiply_pairs(const uint16_t* rows, int64_t row, int64_t pair, const uint16_t* w,
                                int64_t pairs, Vec (&sum)[kRows][2]) {
  for (int64_t k = 0; k < pairs; ++k, rows += pair, w += 4 * kWidth) {
    const __m512bh w0 = (__m512bh)_mm512_load_si512(w);
    const __m512bh w1 = (__m512bh)_mm512_load_si512(w + 2 * kWidth);
    SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
      int both;
      __builtin_memcpy(&both, rows + r * row, sizeof both);
      const __m512bh x = (__m512bh)_mm512_set1_epi32(both);
      sum[r][0] = (Vec)_mm512_dpbf16_ps((__m512)sum[r][0], x, w0);
      sum[r][1] = (Vec)_mm512_dpbf16_ps((__m512)sum[r][1], x, w1);
    }
  }
}

}  // namespace
}  // namespace saev

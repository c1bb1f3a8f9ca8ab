#pragma once
// 8 × 8 blocks turned over in registers. For level files only.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

/// out + column(q) … + 8 becomes column q of the block whose rows are in + r · stride; q < 8.
template <typename Column>
SAEV_INLINE void transpose8(const float* in, int64_t stride, float* out, const Column& column) {
#if defined(__AVX2__)
  __m256 r[8], t[8], u[8];
  SAEV_UNROLL for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(in + i * stride);
  SAEV_UNROLL for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  SAEV_UNROLL for (int i = 0; i < 2; ++i) {
    u[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    u[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    u[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    u[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
  SAEV_UNROLL for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(out + column(i), _mm256_permute2f128_ps(u[i], u[i + 4], 0x20));
    _mm256_storeu_ps(out + column(i + 4), _mm256_permute2f128_ps(u[i], u[i + 4], 0x31));
  }
#else
  for (int q = 0; q < 8; ++q) {
    for (int r = 0; r < 8; ++r) out[column(q) + r] = in[r * stride + q];
  }
#endif
}

}  // namespace
}  // namespace saev

#pragma once
// Sums of eight vectors at once: half the instructions of eight single sums. For level files only.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

/// Stores v as eight partial sums; `hsum(v)` is the sum of what it stores.
SAEV_INLINE void store_partial8(float* out, Vec v) {
#if defined(__AVX512F__)
  const __m256 low = _mm512_castps512_ps256((__m512)v);
  const __m256 high = _mm512_extractf32x8_ps((__m512)v, 1);
  _mm256_store_ps(out, _mm256_add_ps(low, high));
#elif defined(__AVX2__)
  _mm256_store_ps(out, (__m256)v);
#else
  store(out, v);
  store(out + 4, zero());
#endif
}

/// out[i] += Σ partial[8 i … 8 i + 7] for i < 8.
SAEV_INLINE void add_sums8(const float* partial, float* out) {
#if defined(__AVX2__)
  const auto at = [partial](int i) { return _mm256_load_ps(partial + 8 * i); };
  const __m256 a = _mm256_hadd_ps(_mm256_hadd_ps(at(0), at(1)), _mm256_hadd_ps(at(2), at(3)));
  const __m256 b = _mm256_hadd_ps(_mm256_hadd_ps(at(4), at(5)), _mm256_hadd_ps(at(6), at(7)));
  const __m256 sums = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  _mm256_storeu_ps(out, _mm256_add_ps(_mm256_loadu_ps(out), sums));
#else
  for (int i = 0; i < 8; ++i) {
    float s = 0;
    for (int l = 0; l < 8; ++l) s += partial[8 * i + l];
    out[i] += s;
  }
#endif
}

}  // namespace
}  // namespace saev

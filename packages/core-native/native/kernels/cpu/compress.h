#pragma once
// Appending the lanes of a vector that exceed a bound to a list, for level files only.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

#if defined(__AVX2__) && !defined(__AVX512F__)
/// For each mask of eight lanes, the numbers of the lanes that are set, ascending.
struct LaneTable {
  alignas(8) uint8_t lane[256][8];
  constexpr LaneTable() : lane() {
    for (int mask = 0; mask < 256; ++mask) {
      int n = 0;
      for (int i = 0; i < 8; ++i) {
        if (mask >> i & 1) lane[mask][n++] = static_cast<uint8_t>(i);
      }
    }
  }
};
constexpr LaneTable kLaneTable;
#endif

/// Writes the lanes of v that are greater than those of `floor` to value[count …] and base + lane to
/// index[count …]; returns the new count. Up to kWidth elements are written whatever the count.
SAEV_INLINE int append_above(Vec v, Vec floor, int base, float* value, uint16_t* index, int count) {
  const unsigned mask = above_mask(v, floor);
  if (mask == 0) return count;
#if defined(__AVX512F__)
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  _mm512_storeu_ps(value + count, _mm512_maskz_compress_ps(static_cast<__mmask16>(mask), (__m512)v));
  const __m512i kept = _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask),
                                                   _mm512_add_epi32(lanes, _mm512_set1_epi32(base)));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(index + count), _mm512_cvtepi32_epi16(kept));
#elif defined(__AVX2__)
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kLaneTable.lane[mask]));
  _mm256_storeu_ps(value + count, _mm256_permutevar8x32_ps((__m256)v, _mm256_cvtepu8_epi32(bytes)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(index + count),
                   _mm_add_epi16(_mm_cvtepu8_epi16(bytes), _mm_set1_epi16(static_cast<short>(base))));
#else
  for (int i = 0, n = count; i < kWidth; ++i) {
    value[n] = v[i];
    index[n] = static_cast<uint16_t>(base + i);
    n += mask >> i & 1;
  }
#endif
  return count + __builtin_popcount(mask);
}

}  // namespace
}  // namespace saev

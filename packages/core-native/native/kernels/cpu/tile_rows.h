#pragma once
// Groups of rows as the tile of 16 registers reads them: [group][step][kTileRows], for level files only. A
// tile then reads one stream instead of six that lie pages apart.

#include "kernels/cpu/product_tile.h"

namespace saev {
namespace {

/// Whether packing pays: two vectors an instruction and 32 registers leave AVX-512 as fast without.
#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr bool kPackRows = true;
#else
constexpr bool kPackRows = false;
#endif

#if defined(__AVX2__) && !defined(__AVX512F__)
/// Four steps of a group: a transposition of four rows, and one of two.
SAEV_INLINE void pack_four_steps(const float* const (&row)[6], int64_t k, float* out) {
  const __m128 a = _mm_loadu_ps(row[0] + k), b = _mm_loadu_ps(row[1] + k), c = _mm_loadu_ps(row[2] + k),
               d = _mm_loadu_ps(row[3] + k), e = _mm_loadu_ps(row[4] + k), f = _mm_loadu_ps(row[5] + k);
  const __m128 ab0 = _mm_unpacklo_ps(a, b), ab1 = _mm_unpackhi_ps(a, b), cd0 = _mm_unpacklo_ps(c, d),
               cd1 = _mm_unpackhi_ps(c, d), ef0 = _mm_unpacklo_ps(e, f), ef1 = _mm_unpackhi_ps(e, f);
  _mm_storeu_ps(out, _mm_movelh_ps(ab0, cd0));
  _mm_storel_pi((__m64*)(out + 4), ef0);
  _mm_storeu_ps(out + 6, _mm_movehl_ps(cd0, ab0));
  _mm_storeh_pi((__m64*)(out + 10), ef0);
  _mm_storeu_ps(out + 12, _mm_movelh_ps(ab1, cd1));
  _mm_storel_pi((__m64*)(out + 16), ef1);
  _mm_storeu_ps(out + 18, _mm_movehl_ps(cd1, ab1));
  _mm_storeh_pi((__m64*)(out + 22), ef1);
}

/// `rows` rows of `in`, `steps` numbers of each. A last group that is not whole repeats its last row. Rows
/// lie pages apart, which the machine's own fetching does not follow: the next group's are asked for here.
[[gnu::noinline]] void pack_rows(const float* in, int64_t stride, int64_t rows, int64_t steps, float* out) {
  constexpr int64_t kLine = 64 / sizeof(float);
  for (int64_t first = 0; first < rows; first += kTileRows, out += kTileRows * steps) {
    const float* row[kTileRows];
    for (int r = 0; r < kTileRows; ++r) row[r] = in + (first + r < rows ? first + r : rows - 1) * stride;
    int64_t k = 0;
    for (; k + kLine <= steps; k += kLine) {
      SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) prefetch(row[r] + kTileRows * stride + k);
      SAEV_UNROLL for (int i = 0; i < kLine; i += 4) pack_four_steps(row, k + i, out + (k + i) * kTileRows);
    }
    for (; k < steps; ++k) {
      for (int r = 0; r < kTileRows; ++r) out[k * kTileRows + r] = row[r][k];
    }
  }
}
#endif

}  // namespace
}  // namespace saev

#pragma once
// Which pairs of rows and latents pass, whatever the tile that multiplies their 8-bit numbers. For level
// files only.

#include "kernels/cpu/compress.h"
#include "kernels/cpu/screen.h"
#include "kernels/cpu/simd.h"

namespace saev {
namespace {

#if defined(__AVX2__)

/// Numbers of 32 bits.
#if defined(__AVX512F__)
using Ints = __m512i;
SAEV_INLINE Ints load_ints(const void* p) {
  return _mm512_load_si512(p);
}
SAEV_INLINE Ints splat_ints(int x) {
  return _mm512_set1_epi32(x);
}
SAEV_INLINE Ints sub_ints(Ints a, Ints b) {
  return _mm512_sub_epi32(a, b);
}
SAEV_INLINE Vec to_floats(Ints v) {
  return (Vec)_mm512_cvtepi32_ps(v);
}
#else
using Ints = __m256i;
SAEV_INLINE Ints load_ints(const void* p) {
  return _mm256_load_si256(static_cast<const __m256i*>(p));
}
SAEV_INLINE Ints splat_ints(int x) {
  return _mm256_set1_epi32(x);
}
SAEV_INLINE Ints sub_ints(Ints a, Ints b) {
  return _mm256_sub_epi32(a, b);
}
SAEV_INLINE Vec to_floats(Ints v) {
  return (Vec)_mm256_cvtepi32_ps(v);
}
#endif

/// What a NaN becomes: infinity.
SAEV_INLINE Vec nan_to_infinity(Vec v) {
  // min returns its second operand when one is NaN.
#if defined(__AVX512F__)
  return (Vec)_mm512_min_ps((__m512)v, _mm512_set1_ps(__builtin_inff()));
#else
  return (Vec)_mm256_min_ps((__m256)v, _mm256_set1_ps(__builtin_inff()));
#endif
}

/// `Tile` has kRows rows, whose bytes lie kUnit together, and two vectors of latents.
template <typename Tile>
void run_screen(const ScreenProductArgs& a) {
  constexpr int kColumns = 2 * kWidth, kRows = Tile::kRows;
  const Tile product;
  const int64_t group_bytes = (a.steps * 8 + Tile::kUnit - 1) / Tile::kUnit * Tile::kUnit * kRows;
  const int64_t groups = (a.n + kRows - 1) / kRows, stride = a.n_panels * kPanel + kListSlack;
  alignas(64) int32_t sums[kRows * kColumns];
  // A tile's weights stay in the first-level cache while all rows go by, and those of the next come.
  const int64_t latent_bytes = screen_latent_bytes(a.steps * 8, Tile::kWraps);
  const int64_t tile_bytes = latent_bytes * kColumns, share = (tile_bytes / groups + 63) / 64 * 64;
  const int8_t* end = a.latents.packed + a.n_panels * kPanel * latent_bytes;
  for (int64_t p = 0; p < a.n_panels; ++p) {
    for (int64_t half = 0; half < kPanel; half += kColumns) {
      const int64_t j = p * kPanel + half;
      const int8_t* w = a.latents.packed + j * latent_bytes;
      const float* beside = a.latents.beside + p * kPanel * kScreenColumns + half;
      for (int64_t g = 0; g < groups; ++g) {
        const int8_t* ahead = w + tile_bytes + g * share;
        const int64_t n_ahead = g * share < tile_bytes && ahead < end ? share : 0;
        product.multiply(a.packed + g * group_bytes, w, a.steps, ahead, n_ahead, sums);
        for (int64_t r = g * kRows; r < (g + 1) * kRows; ++r) {
          const Vec scale = splat(a.scale[r]), error = splat(a.error[r]), size = splat(a.size[r]);
          const Vec floor = splat(a.floor[r]);
          const float* row_beside = a.beside + r * kScreenColumns;
          for (int64_t v = 0; v < kColumns; v += kWidth) {
            const int64_t at = j + v;
            Ints whole = load_ints(sums + (r - g * kRows) * kColumns + v);
            if constexpr (!Tile::kWraps) whole = sub_ints(whole, load_ints(a.latents.shift + at));
            // First t, then s: t s alone may be denormal.
            Vec bound = fma(to_floats(whole) * load(a.latents.scale + at), scale, load(a.latents.bias + at));
            bound = fma(error, load(a.latents.norm + at), bound);
            bound = fma(size, load(a.latents.error + at), bound);
            for (int64_t c = 0; c < a.n_columns; ++c)
              bound = fma(splat(row_beside[c]), load(beside + c * kPanel + v), bound);
            a.count[r] = append_above(nan_to_infinity(bound), floor, static_cast<int>(at),
                                      a.row_value + r * stride, a.row_index + r * stride, a.count[r]);
          }
        }
      }
    }
  }
}

#endif  // __AVX2__

}  // namespace
}  // namespace saev

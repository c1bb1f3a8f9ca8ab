#pragma once
// The 8-bit product of the screen, for level files only: kRows rows × two vectors of latents, their sums in
// registers over all columns.

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

SAEV_INLINE Ints add_ints(Ints a, Ints b) {
#if defined(__AVX512F__)
  return _mm512_add_epi32(a, b);
#else
  return _mm256_add_epi32(a, b);
#endif
}
/// a + what two neighbours of 8 bits, without and with a sign, multiplied and added, are in 16 bits.
SAEV_INLINE Ints add_pairs(Ints a, Ints x, Ints w) {
#if defined(__AVX512F__)
  return _mm512_add_epi16(a, _mm512_maddubs_epi16(x, w));
#else
  return _mm256_add_epi16(a, _mm256_maddubs_epi16(x, w));
#endif
}
/// Two neighbours of 16 bits added in 32.
SAEV_INLINE Ints widen_pairs(Ints a) {
#if defined(__AVX512F__)
  return _mm512_madd_epi16(a, _mm512_set1_epi16(1));
#else
  return _mm256_madd_epi16(a, _mm256_set1_epi16(1));
#endif
}
/// Keeps a value in a register: without it the compiler adds in another order, or reads a weight anew for
/// each row, and is 15 to 40 % slower.
#define SAEV_IN_REGISTER(v) __asm__("" : "+v"(v))

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
/// Four 8-bit products added to 32 bits in one instruction.
struct VnniProduct {
  SAEV_INLINE static Ints add(Ints sum, Ints x0, Ints w0, Ints x1, Ints w1) {
#if defined(__AVX512VNNI__)
    return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum, x0, w0), x1, w1);
#else
    return _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(sum, x0, w0), x1, w1);
#endif
  }
};
#endif

/// sum[r][·] = Σ (x̃ + x_max) w̃ of rows [step][kRows][8] and latents [step][2][columns][4]. `ahead`
/// [n_ahead] is fetched meanwhile.
template <typename Product, int kRows>
[[gnu::noinline]] void integer_tile(const uint8_t* __restrict rows, const int8_t* __restrict w, int64_t steps,
                                    const int8_t* ahead, int64_t n_ahead, int32_t* __restrict out) {
  constexpr int kVector = 4 * kWidth;  // bytes
  prefetch_range(ahead, n_ahead);
  Ints sum[kRows][2];
  SAEV_UNROLL for (int r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = Ints{};
  for (int64_t k = 0; k < steps; ++k, rows += 8 * kRows, w += 4 * kVector) {
    const Ints w00 = load_ints(w), w01 = load_ints(w + kVector);
    const Ints w10 = load_ints(w + 2 * kVector), w11 = load_ints(w + 3 * kVector);
    SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
      int first, second;
      __builtin_memcpy(&first, rows + 8 * r, 4);
      __builtin_memcpy(&second, rows + 8 * r + 4, 4);
      const Ints x0 = splat_ints(first), x1 = splat_ints(second);
      sum[r][0] = Product::add(sum[r][0], x0, w00, x1, w10);
      sum[r][1] = Product::add(sum[r][1], x0, w01, x1, w11);
    }
  }
  SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
    __builtin_memcpy(out + 2 * kWidth * r, &sum[r][0], sizeof(Ints));
    __builtin_memcpy(out + 2 * kWidth * r + kWidth, &sum[r][1], sizeof(Ints));
  }
}

/// A tile that keeps its sums in vector registers.
template <typename Product, int kTileGroup>
struct VectorTile {
  static constexpr int kRows = kTileGroup, kUnit = 8;
  static constexpr bool kWraps = false;
  VectorTile() = default;
  SAEV_INLINE void multiply(const uint8_t* rows, const int8_t* w, int64_t steps, const int8_t* ahead,
                            int64_t n_ahead, int32_t* out) const {
    integer_tile<Product, kTileGroup>(rows, w, steps, ahead, n_ahead, out);
  }
};

/// Sums of one chunk of kSteps steps: in 16 bits, from where the latents say, then added to `out` in 32.
template <int kRows, int kSteps>
SAEV_INLINE void wrapping_chunk(const uint8_t* __restrict rows, const int8_t* __restrict w,
                                int32_t* __restrict out) {
  constexpr int kVector = 4 * kWidth;  // bytes
  Ints sum[kRows][2];
  SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
    sum[r][0] = load_ints(w);
    sum[r][1] = load_ints(w + kVector);
  }
  w += 2 * kVector;
  SAEV_UNROLL for (int k = 0; k < 2 * kSteps; ++k, w += 2 * kVector) {
    Ints w0 = load_ints(w), w1 = load_ints(w + kVector);
    SAEV_IN_REGISTER(w0);
    SAEV_IN_REGISTER(w1);
    SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
      int four;
      __builtin_memcpy(&four, rows + 8 * kRows * (k / 2) + 8 * r + 4 * (k % 2), 4);
      const Ints x = splat_ints(four);
      sum[r][0] = add_pairs(sum[r][0], x, w0);
      sum[r][1] = add_pairs(sum[r][1], x, w1);
      SAEV_IN_REGISTER(sum[r][0]);
      SAEV_IN_REGISTER(sum[r][1]);
    }
  }
  SAEV_UNROLL for (int i = 0; i < 2 * kRows; ++i) {
    int32_t* to = out + i * kWidth;
    const Ints all = add_ints(load_ints(to), widen_pairs(sum[i / 2][i % 2]));
    __builtin_memcpy(to, &all, sizeof(Ints));
  }
}

/// sum[r][·] = Σ x̃ w̃, as integer_tile but of a form that wraps.
template <int kRows>
[[gnu::noinline]] void wrapping_tile(const uint8_t* __restrict rows, const int8_t* __restrict w,
                                     int64_t steps, const int8_t* ahead, int64_t n_ahead,
                                     int32_t* __restrict out) {
  constexpr int kSteps = kScreenChunk / 8, kLatents = 2 * kWidth;
  prefetch_range(ahead, n_ahead);
  __builtin_memset(out, 0, kRows * kLatents * sizeof(int32_t));
  int64_t k = 0;
  for (; k + kSteps <= steps; k += kSteps, rows += kSteps * 8 * kRows, w += (kScreenChunk + 4) * kLatents)
    wrapping_chunk<kRows, kSteps>(rows, w, out);
  // Rows are multiples of 16.
  if (k < steps) wrapping_chunk<kRows, 2>(rows, w, out);
}

/// A tile that adds in 16 bits, modulo 2¹⁶. A chunk of 64 products takes 4.25 instructions in place of the 5
/// with which each eight columns would be widened, 2.25 in place of 3 of them multiplications.
template <int kTileGroup>
struct WrappingTile {
  static constexpr int kRows = kTileGroup, kUnit = 8;
  static constexpr bool kWraps = true;
  WrappingTile() = default;
  SAEV_INLINE void multiply(const uint8_t* rows, const int8_t* w, int64_t steps, const int8_t* ahead,
                            int64_t n_ahead, int32_t* out) const {
    wrapping_tile<kTileGroup>(rows, w, steps, ahead, n_ahead, out);
  }
};

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

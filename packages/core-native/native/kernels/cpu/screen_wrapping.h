#pragma once
// The 8-bit product of machines without instructions for it, added in 16 bits modulo 2¹⁶ (ScreenForm), for
// level files only.

#include "kernels/cpu/screen_tile.h"

namespace saev {
namespace {

#if defined(__AVX2__)

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

/// sum[r][·] = Σ x̃ w̃ of rows [step][kRows][8] and latents as ScreenLatents::packed has them. `ahead`
/// [n_ahead] is fetched meanwhile.
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

#endif  // __AVX2__

}  // namespace
}  // namespace saev

// Compiled for CPUs that multiply four 8-bit pairs in one instruction: AVX512-VNNI, and AVX-VNNI.

#include "kernels/cpu/screen_tile.h"

namespace saev {
namespace {

/// Four 8-bit products, twice, added to 32 bits.
SAEV_INLINE Ints add_fours(Ints sum, Ints x0, Ints w0, Ints x1, Ints w1) {
#if defined(__AVX512VNNI__)
  return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum, x0, w0), x1, w1);
#else
  return _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(sum, x0, w0), x1, w1);
#endif
}

/// sum[r][·] = Σ (x̃ + x_max) w̃ of rows [step][kRows][8] and latents [step][2][columns][4]. `ahead`
/// [n_ahead] is fetched meanwhile.
template <int kRows>
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
      sum[r][0] = add_fours(sum[r][0], x0, w00, x1, w10);
      sum[r][1] = add_fours(sum[r][1], x0, w01, x1, w11);
    }
  }
  SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
    __builtin_memcpy(out + 2 * kWidth * r, &sum[r][0], sizeof(Ints));
    __builtin_memcpy(out + 2 * kWidth * r + kWidth, &sum[r][1], sizeof(Ints));
  }
}

/// A tile that keeps its sums in vector registers.
template <int kTileGroup>
struct VnniTile {
  static constexpr int kRows = kTileGroup, kUnit = 8;
  static constexpr bool kWraps = false;
  VnniTile() = default;
  SAEV_INLINE void multiply(const uint8_t* rows, const int8_t* w, int64_t steps, const int8_t* ahead,
                            int64_t n_ahead, int32_t* out) const {
    integer_tile<kTileGroup>(rows, w, steps, ahead, n_ahead, out);
  }
};

}  // namespace

namespace SAEV_LEVEL {

void screen_product(const ScreenProductArgs& a) {
#if defined(__AVX512VNNI__)
  run_screen<VnniTile<12>>(a);
#else
  run_screen<VnniTile<6>>(a);
#endif
}

}  // namespace SAEV_LEVEL
}  // namespace saev

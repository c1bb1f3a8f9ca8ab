// Compiled once, for AVX-512 with its bfloat16 instructions.

#include "kernels/cpu/linear_tiles.h"

namespace saev {
namespace {

/// vdpbf16ps: two products of bfloat16 a step, each added to a float32 sum. (It takes denormals as 0.)
struct Bfloat16Product {
  using In = uint16_t;
  static constexpr int64_t kInputsAStep = 2;
  static constexpr bool kPacks = false;
  SAEV_INLINE static void multiply(const uint16_t* rows, int64_t stride, const uint16_t* w, int64_t steps,
                                   const uint16_t* /*next*/, Vec (&sum)[kTileRows][2]) {
    for (int64_t k = 0; k < steps; ++k) {
      const __m512bh w0 = (__m512bh)_mm512_load_si512(w + k * 2 * kTileColumns);
      const __m512bh w1 = (__m512bh)_mm512_load_si512(w + k * 2 * kTileColumns + 2 * kWidth);
      SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) {
        int pair;
        __builtin_memcpy(&pair, rows + r * stride + 2 * k, sizeof pair);
        const __m512bh a = (__m512bh)_mm512_set1_epi32(pair);
        sum[r][0] = (Vec)_mm512_dpbf16_ps((__m512)sum[r][0], a, w0);
        sum[r][1] = (Vec)_mm512_dpbf16_ps((__m512)sum[r][1], a, w1);
      }
    }
  }
};

}  // namespace

namespace avx512bf16 {

void linear_block(const LinearBlock& a) {
  run_linear<Bfloat16Product>(a, a.in.bf16, a.out.bf16);
}

}  // namespace avx512bf16
}  // namespace saev

// Compiled for AVX-512 with its bfloat16 instructions.

#include "kernels/cpu/encode_half_tile.h"

namespace saev {
namespace {

/// vdpbf16ps: two products of bfloat16 a lane, added to its float32 sum.
struct VectorTile {
  static constexpr int kRows = 12, kUnit = 1;

  VectorTile() = default;
  [[gnu::noinline]] void multiply(const uint16_t* rows, const uint16_t* w, int64_t pairs, float* out) const {
    Vec sum[kRows][2];
    SAEV_UNROLL for (int r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = zero();
    for (int64_t k = 0; k < pairs; ++k, rows += 2 * kRows, w += 2 * kPanel) {
      const __m512bh w0 = (__m512bh)_mm512_load_si512(w);
      const __m512bh w1 = (__m512bh)_mm512_load_si512(w + 2 * kWidth);
      SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
        int pair;
        __builtin_memcpy(&pair, rows + 2 * r, sizeof pair);
        const __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
        sum[r][0] = (Vec)_mm512_dpbf16_ps((__m512)sum[r][0], x, w0);
        sum[r][1] = (Vec)_mm512_dpbf16_ps((__m512)sum[r][1], x, w1);
      }
    }
    SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
      store(out + r * kPanel, sum[r][0]);
      store(out + r * kPanel + kWidth, sum[r][1]);
    }
  }
};

}  // namespace

namespace avx512bf16 {

void pack_half_rows(const PackHalfRowsArgs& a) {
  pack_rows_for<VectorTile>(a);
}
void pack_half_panels(const PackHalfPanelsArgs& a) {
  pack_panels_of(a);
}
void encode_half_segment(const EncodeHalfArgs& a) {
  encode_half<VectorTile>(a);
}

}  // namespace avx512bf16
}  // namespace saev

// Compiled for AVX-512 with its bfloat16 instructions.

#include "kernels/cpu/bfloat16_tile.h"
#include "kernels/cpu/encode_half_tile.h"

namespace saev {
namespace {

/// A tile that keeps its sums in vector registers.
struct VectorTile {
  static constexpr int kRows = 12, kUnit = 1;

  VectorTile() = default;
  [[gnu::noinline]] void multiply(const uint16_t* rows, const uint16_t* w, int64_t pairs, float* out) const {
    Vec sum[kRows][2];
    SAEV_UNROLL for (int r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = zero();
    multiply_pairs<kRows>(rows, 2, 2 * kRows, w, pairs, sum);
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

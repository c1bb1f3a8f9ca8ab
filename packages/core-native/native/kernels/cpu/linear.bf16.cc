// Compiled once, for AVX-512 with its bfloat16 instructions.

#include "kernels/cpu/bfloat16_tile.h"
#include "kernels/cpu/linear_tiles.h"

namespace saev {
namespace {

/// Two products of bfloat16 a step.
struct Bfloat16Product {
  using In = uint16_t;
  static constexpr int64_t kInputsAStep = 2;
  static constexpr bool kPacks = false;
  SAEV_INLINE static void multiply(const uint16_t* rows, int64_t stride, const uint16_t* w, int64_t steps,
                                   const uint16_t* /*next*/, Vec (&sum)[kTileRows][2]) {
    multiply_pairs<kTileRows>(rows, stride, 2, w, steps, sum);
  }
};

}  // namespace

namespace avx512bf16 {

void linear_block(const LinearBlock& a) {
  run_linear<Bfloat16Product>(a, a.in.bf16, a.out.bf16);
}

}  // namespace avx512bf16
}  // namespace saev

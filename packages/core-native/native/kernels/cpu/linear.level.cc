#include "kernels/cpu/linear_tiles.h"

namespace saev {
namespace {

struct Float32Product {
  using In = float;
  static constexpr int64_t kInputsAStep = 1;
  static constexpr bool kPacks = kPackRows;
  SAEV_INLINE static void multiply(const float* rows, int64_t stride, const float* w, int64_t steps,
                                   const float* next, Vec (&sum)[kTileRows][2]) {
    if constexpr (!kPacks) return multiply_add_rows<kTileRows>(rows, stride, w, kTileColumns, steps, sum);
    // This group's share of the next weights is a number a step: a line every 16 steps. (Unrolled by hand,
    // the loop runs out of registers with GCC 12.)
    constexpr int64_t kSteps = 64 / sizeof(float);
    int64_t k = 0;
    for (; k + kSteps <= steps; k += kSteps) {
      prefetch_l2(next + k);
      multiply_add_tile<kTileRows>(rows + k * kTileRows, w + k * kTileColumns, kTileColumns, kSteps, sum);
    }
    multiply_add_tile<kTileRows>(rows + k * kTileRows, w + k * kTileColumns, kTileColumns, steps - k, sum);
  }
};

}  // namespace

namespace SAEV_LEVEL {

void linear_block(const LinearBlock& a) {
  run_linear<Float32Product>(a, a.in.f32, a.out.f32);
}

}  // namespace SAEV_LEVEL
}  // namespace saev

#include "kernels/cpu/linear_tiles.h"

namespace saev {
namespace {

struct Float32Product {
  using In = float;
  static constexpr int64_t kInputsAStep = 1;
  SAEV_INLINE static void multiply(const float* rows, int64_t stride, const float* w, int64_t steps,
                                   Vec (&sum)[kTileRows][2]) {
    multiply_add_rows<kTileRows>(rows, stride, w, kTileColumns, steps, sum);
  }
};

}  // namespace

namespace SAEV_LEVEL {

void linear_block(const LinearBlock& a) {
  run_linear<Float32Product>(a, a.in.f32, a.out.f32);
}

}  // namespace SAEV_LEVEL
}  // namespace saev

#include "kernels/cpu/peak.h"

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

// Latency times throughput needs 8 to 10 of them.
constexpr int kSums = 12;

}  // namespace

namespace SAEV_LEVEL {

int64_t multiply_add_operations() {
  return 2 * kWidth * kSums;
}

float multiply_add_steps(int64_t steps) {
  volatile float factor = 0.5f;
  const Vec a = splat(factor);
  Vec sum[kSums];
  SAEV_UNROLL for (int i = 0; i < kSums; ++i) sum[i] = splat(static_cast<float>(i));
  for (int64_t k = 0; k < steps; ++k) {
    SAEV_UNROLL for (int i = 0; i < kSums; ++i) sum[i] = fma(sum[i], a, a);
  }
  float total = 0;
  SAEV_UNROLL for (int i = 0; i < kSums; ++i) total += hsum(sum[i]);
  return total;
}

}  // namespace SAEV_LEVEL
}  // namespace saev

#include <cstdint>

#include "kernels/cpu/add_norm.h"
#include "kernels/cpu/bfloat16_vector.h"
#include "kernels/cpu/simd.h"

namespace saev {
namespace SAEV_LEVEL {

SAEV_INLINE void add_branch(const AddNorm& a, float* x, const float* y) {
  int64_t i = 0;
  for (; i + kWidth <= a.d; i += kWidth) {
    Vec branch = loadu(y + i);
    if (a.bias != nullptr) branch = branch + loadu(a.bias + i);
    if (a.scale != nullptr) branch = branch * loadu(a.scale + i);
    storeu(x + i, loadu(x + i) + branch);
  }
  for (; i < a.d; ++i) {
    const float branch = y[i] + (a.bias != nullptr ? a.bias[i] : 0.f);
    x[i] += a.scale != nullptr ? a.scale[i] * branch : branch;
  }
}

/// Two passes over a row that lies in L1 by now: deviations from the mean, not squares less squares.
template <typename Out>
SAEV_INLINE void norm(const AddNorm& a, const float* x, Out* out) {
  const float n = static_cast<float>(a.d);
  Vec sums = zero(), more = zero();
  int64_t i = 0;
  for (; i + 2 * kWidth <= a.d; i += 2 * kWidth) {
    sums = sums + loadu(x + i);
    more = more + loadu(x + i + kWidth);
  }
  for (; i + kWidth <= a.d; i += kWidth) sums = sums + loadu(x + i);
  float sum = hsum(sums + more);
  for (; i < a.d; ++i) sum += x[i];
  const float mean = sum / n;
  const Vec means = splat(mean);
  Vec squares = zero(), squares2 = zero();
  i = 0;
  for (; i + 2 * kWidth <= a.d; i += 2 * kWidth) {
    const Vec u = loadu(x + i) - means, v = loadu(x + i + kWidth) - means;
    squares = fma(u, u, squares);
    squares2 = fma(v, v, squares2);
  }
  for (; i + kWidth <= a.d; i += kWidth) {
    const Vec u = loadu(x + i) - means;
    squares = fma(u, u, squares);
  }
  float square = hsum(squares + squares2);
  for (; i < a.d; ++i) square += (x[i] - mean) * (x[i] - mean);
  const float rstd = 1.0f / __builtin_sqrtf(square / n + a.eps);
  const Vec rstds = splat(rstd);
  i = 0;
  for (; i + kWidth <= a.d; i += kWidth) {
    put(out + i, fma((loadu(x + i) - means) * rstds, loadu(a.gain + i), loadu(a.shift + i)));
  }
  for (; i < a.d; ++i) {
    put_first(out + i, splat((x[i] - mean) * rstd * a.gain[i] + a.shift[i]), 1);
  }
}

void add_norm_rows(const AddNorm& a, int64_t from, int64_t to) {
  for (int64_t r = from; r < to; ++r) {
    float* x = a.x + r * a.d;
    if (a.y != nullptr) add_branch(a, x, a.y + r * a.d);
    const int64_t stride = a.out_stride > 0 ? a.out_stride : a.d;
    if (a.out != nullptr) norm(a, x, a.out + r * stride);
    if (a.out16 != nullptr) norm(a, x, a.out16 + r * stride);
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

#include <cstdint>

#include "kernels/cpu/simd.h"

namespace saev {
namespace SAEV_LEVEL {

// Comparisons as vectors, so that a NaN fails both and stays what it is, as in the plain reference.
SAEV_INLINE Vec clamp(Vec v, Vec limit) {
  const Vec low = v < -limit ? -limit : v;
  return low > limit ? limit : low;
}

void scale_row(const float* x, const float* next, const float* mean, float limit, float scale, int64_t d,
               float* out) {
  constexpr int64_t kLine = 16;
  const Vec limits = splat(limit), scales = splat(scale);
  int64_t c = 0;
  for (; c + kLine <= d; c += kLine) {
    if (next != nullptr) prefetch(next + c);
    SAEV_UNROLL
    for (int64_t i = 0; i < kLine; i += kWidth) {
      storeu(out + c + i, (clamp(loadu(x + c + i), limits) - loadu(mean + c + i)) / scales);
    }
  }
  for (; c < d; ++c) {
    const float v = x[c];
    const float clamped = v < -limit ? -limit : (v > limit ? limit : v);
    out[c] = (clamped - mean[c]) / scale;
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

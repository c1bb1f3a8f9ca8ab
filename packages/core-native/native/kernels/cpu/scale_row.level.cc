#include <cstdint>

#include "kernels/cpu/simd.h"

namespace saev {
namespace SAEV_LEVEL {

// Comparisons as vectors, so that a NaN fails both and stays what it is, as in the plain reference.
SAEV_INLINE Vec clamp(Vec v, Vec limit) {
  const Vec low = v < -limit ? -limit : v;
  return low > limit ? limit : low;
}

// Past the caches: a batch is larger than they are, and fetching lines only to overwrite them would cost a
// third of the memory's bandwidth.
SAEV_INLINE void stream(float* p, Vec v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX2__)
  _mm256_stream_ps(p, (__m256)v);
#else
  store(p, v);
#endif
}

/// Streamed stores are seen by other threads only after this.
SAEV_INLINE void finish_stream() {
#if defined(__AVX2__)
  _mm_sfence();
#endif
}

template <bool kStream>
SAEV_INLINE int64_t scale_lines(const float* x, const float* next, const float* mean, float limit,
                                float scale, int64_t d, float* out) {
  constexpr int64_t kLine = 16;
  const Vec limits = splat(limit), scales = splat(scale);
  int64_t c = 0;
  for (; c + kLine <= d; c += kLine) {
    if (next != nullptr) prefetch(next + c);
    SAEV_UNROLL
    for (int64_t i = 0; i < kLine; i += kWidth) {
      const Vec v = (clamp(loadu(x + c + i), limits) - loadu(mean + c + i)) / scales;
      if constexpr (kStream) {
        stream(out + c + i, v);
      } else {
        storeu(out + c + i, v);
      }
    }
  }
  if constexpr (kStream) finish_stream();
  return c;
}

void scale_row(const float* x, const float* next, const float* mean, float limit, float scale, int64_t d,
               float* out) {
  const bool aligned = reinterpret_cast<uintptr_t>(out) % sizeof(Vec) == 0 && d % kWidth == 0;
  int64_t c = aligned && x != out ? scale_lines<true>(x, next, mean, limit, scale, d, out)
                                  : scale_lines<false>(x, next, mean, limit, scale, d, out);
  for (; c < d; ++c) {
    const float v = x[c];
    const float clamped = v < -limit ? -limit : (v > limit ? limit : v);
    out[c] = (clamped - mean[c]) / scale;
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

#include "kernels/cpu/adam.h"

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

/// One vector of weights: moments are stored, the new weights returned.
SAEV_INLINE Vec update(const AdamStep& s, float* m, float* v, Vec w, Vec g) {
  const Vec m0 = loadu(m), v0 = loadu(v);
  const Vec m1 = fma(splat(s.one_minus_beta1), g - m0, m0);
  const Vec v1 = fma(splat(s.beta2), v0, splat(s.one_minus_beta2) * g * g);
  storeu(m, m1);
  storeu(v, v1);
  const Vec denominator = fma(vsqrt(v1), splat(s.inverse_sqrt), splat(s.epsilon));
  return splat(s.keep) * w - splat(s.step_size) * m1 / denominator;
}

}  // namespace

namespace SAEV_LEVEL {

void adam_vector(const AdamStep& s, const AdamVectorArgs& a) {
  int64_t i = 0;
  for (; i + kWidth <= a.n; i += kWidth) {
    storeu(a.w + i, update(s, a.m + i, a.v + i, loadu(a.w + i), loadu(a.g + i)));
  }
  for (; i < a.n; ++i) {
    const float m = a.m[i] + s.one_minus_beta1 * (a.g[i] - a.m[i]);
    const float v = s.beta2 * a.v[i] + s.one_minus_beta2 * a.g[i] * a.g[i];
    a.m[i] = m;
    a.v[i] = v;
    a.w[i] = s.keep * a.w[i] - s.step_size * m / (__builtin_sqrtf(v) * s.inverse_sqrt + s.epsilon);
  }
}

void adam_decoder(const AdamStep& s, const AdamDecoderArgs& a) {
  for (int64_t j = 0; j < a.n; ++j) {
    const Vec parallel = splat(a.parallel ? -a.parallel[j] : 0.0f);
    Vec squares = zero();
    for (int64_t t = 0; t < a.n_slices; ++t) {
      const int64_t o = t * a.slice_stride + j * a.width;
      const float* g = a.g + (t * a.n + j) * a.width;
      for (int64_t i = 0; i < a.width; i += kWidth) {
        const Vec w0 = load(a.w + o + i);
        const Vec w1 = update(s, a.m + o + i, a.v + o + i, w0, fma(parallel, w0, load(g + i)));
        squares = fma(w1, w1, squares);
        store(a.w + o + i, w1);
      }
    }
    a.norm[j] = __builtin_sqrtf(hsum(squares));
    if (!a.normalize) continue;
    const Vec inverse = splat(a.norm[j] > 0 ? 1.0f / a.norm[j] : 1.0f);
    for (int64_t t = 0; t < a.n_slices; ++t) {
      float* w = a.w + t * a.slice_stride + j * a.width;
      for (int64_t i = 0; i < a.width; i += kWidth) store(w + i, load(w + i) * inverse);
    }
  }
}

void adam_encoder(const AdamStep& s, const AdamEncoderArgs& a) {
  for (int64_t l = 0; l < a.n; ++l) {
    const Vec sum = splat(a.sum[l]);
    for (int64_t k0 = 0; k0 < a.stride; k0 += a.width) {
      const int64_t o = l * a.stride + k0;
      const float* g = a.g + k0 / a.width * a.slice_stride + l * a.width;
      const int64_t n = k0 + a.width <= a.stride ? a.width : a.stride - k0;
      for (int64_t i = 0; i < n; i += kWidth) {
        const Vec w0 = load(a.w + o + i);
        if (a.b_dec_gradient) {
          float* b = a.b_dec_gradient + k0 + i;
          store(b, fma(sum, w0, load(b)));
        }
        store(a.w + o + i, update(s, a.m + o + i, a.v + o + i, w0, load(g + i)));
      }
    }
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

#include "kernels/cpu/adam.h"

#include "kernels/cpu/encode_relu.h"
#include "kernels/cpu/reduce8.h"
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
  return w - splat(s.step_size) * m1 / denominator;
}

/// out[k][kPanel] = the latents' columns k … of one slice: g[l · width + k].
SAEV_INLINE void transpose_panel(const float* g, int64_t width, float* out) {
#if defined(__AVX2__)
  for (int64_t l = 0; l < kPanel; l += 8) {
    for (int64_t k = 0; k < width; k += 8) {
      __m256 r[8], t[8], u[8];
      SAEV_UNROLL for (int i = 0; i < 8; ++i) r[i] = _mm256_load_ps(g + (l + i) * width + k);
      SAEV_UNROLL for (int i = 0; i < 4; ++i) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
      }
      SAEV_UNROLL for (int i = 0; i < 2; ++i) {
        u[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
        u[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
        u[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
        u[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
      }
      SAEV_UNROLL for (int i = 0; i < 4; ++i) {
        _mm256_store_ps(out + (k + i) * kPanel + l, _mm256_permute2f128_ps(u[i], u[i + 4], 0x20));
        _mm256_store_ps(out + (k + i + 4) * kPanel + l, _mm256_permute2f128_ps(u[i], u[i + 4], 0x31));
      }
    }
  }
#else
  for (int64_t k = 0; k < width; ++k) {
    for (int64_t l = 0; l < kPanel; ++l) out[k * kPanel + l] = g[l * width + k];
  }
#endif
}

constexpr int kPanelVectors = static_cast<int>(kPanel) / kWidth;

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
    a.w[i] -= s.step_size * m / (__builtin_sqrtf(v) * s.inverse_sqrt + s.epsilon);
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
  float* const g = a.scratch;
  float* const partial = a.scratch + a.width * kPanel;
  Vec sum[kPanelVectors];
  SAEV_UNROLL for (int v = 0; v < kPanelVectors; ++v) sum[v] = loadu(a.sum + v * kWidth);
  for (int64_t k0 = 0; k0 < a.d_vit; k0 += a.width) {
    transpose_panel(a.g + k0 / a.width * a.slice_stride, a.width, g);
    const int64_t n = k0 + a.width <= a.d_vit ? a.width : a.d_vit - k0;
    for (int64_t k = 0; k < n; ++k) {
      const int64_t o = (k0 + k) * kPanel;
      Vec dot = zero();
      SAEV_UNROLL for (int v = 0; v < kPanelVectors; ++v) {
        const int64_t at = o + v * kWidth;
        const Vec w0 = load(a.w + at);
        dot = fma(sum[v], w0, dot);
        store(a.w + at, update(s, a.m + at, a.v + at, w0, load(g + k * kPanel + v * kWidth)));
      }
      if (a.b_dec_gradient == nullptr) continue;
      store_partial8(partial + 8 * (k % 8), dot);
      if (k % 8 == 7) {
        add_sums8(partial, a.b_dec_gradient + k0 + k - 7);
      } else if (k == n - 1) {
        for (int64_t i = k / 8 * 8; i <= k; ++i) {
          for (int l = 0; l < 8; ++l) a.b_dec_gradient[k0 + i] += partial[8 * (i % 8) + l];
        }
      }
    }
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

#include "kernels/cpu/adam.h"

#include <cmath>

namespace saev::plain {
namespace {

void update(const AdamStep& s, float& w, float& m, float& v, float g) {
  m += s.one_minus_beta1 * (g - m);
  v = s.beta2 * v + s.one_minus_beta2 * g * g;
  w = s.keep * w - s.step_size * m / (std::sqrt(v) * s.inverse_sqrt + s.epsilon);
}

}  // namespace

void adam_vector(const AdamStep& s, const AdamVectorArgs& a) {
  for (int64_t i = 0; i < a.n; ++i) update(s, a.w[i], a.m[i], a.v[i], a.g[i]);
}

void adam_decoder(const AdamStep& s, const AdamDecoderArgs& a) {
  for (int64_t j = 0; j < a.n; ++j) {
    double squares = 0;
    for (int64_t i = 0; i < a.n_slices * a.width; ++i) {
      const int64_t o = i / a.width * a.slice_stride + j * a.width + i % a.width;
      float g = a.g[(i / a.width * a.n + j) * a.width + i % a.width];
      if (a.parallel) g -= a.parallel[j] * a.w[o];
      update(s, a.w[o], a.m[o], a.v[o], g);
      squares += static_cast<double>(a.w[o]) * a.w[o];
    }
    a.norm[j] = static_cast<float>(std::sqrt(squares));
    if (!(a.norm[j] > 0)) continue;
    if (!a.normalize) continue;
    for (int64_t i = 0; i < a.n_slices * a.width; ++i) {
      a.w[i / a.width * a.slice_stride + j * a.width + i % a.width] /= a.norm[j];
    }
  }
}

void adam_encoder(const AdamStep& s, const AdamEncoderArgs& a) {
  for (int64_t l = 0; l < a.n; ++l) {
    for (int64_t k = 0; k < a.stride; ++k) {
      const int64_t o = l * a.stride + k;
      if (a.b_dec_gradient) a.b_dec_gradient[k] += a.sum[l] * a.w[o];
      update(s, a.w[o], a.m[o], a.v[o], a.g[k / a.width * a.slice_stride + l * a.width + k % a.width]);
    }
  }
}

}  // namespace saev::plain

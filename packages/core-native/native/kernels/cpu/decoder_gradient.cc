#include "kernels/cpu/decoder_gradient.h"

namespace saev::plain {

void decoder_gradient(const DecoderGradientArgs& a) {
  for (int64_t j = 0; j < a.n; ++j) {
    for (int32_t q = a.ptr[j]; q < a.ptr[j + 1]; ++q) {
      const float* e = a.e + static_cast<int64_t>(a.index[q]) * a.width;
      float dot = 0;
      for (int64_t k = 0; k < a.width; ++k) {
        a.g[j * a.width + k] += a.value[q] * e[k];
        dot += e[k] * a.w[j * a.width + k];
      }
      a.dot[q] += dot;
    }
  }
}

}  // namespace saev::plain

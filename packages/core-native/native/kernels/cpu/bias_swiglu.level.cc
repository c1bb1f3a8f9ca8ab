#include "kernels/cpu/bias_swiglu.h"

#include "kernels/cpu/exp.h"
#include "kernels/cpu/simd.h"

namespace saev {
namespace SAEV_LEVEL {

void bias_swiglu_rows(float* x, const float* bias, int64_t rows, int64_t hidden) {
  const float* const bias_v = bias + hidden;
  for (int64_t r = 0; r < rows; ++r, x += 2 * hidden) {
    const float* const v = x + hidden;
    int64_t i = 0;
    for (; i + kWidth <= hidden; i += kWidth) {
      const Vec g = loadu(x + i) + loadu(bias + i);
      storeu(x + i, sigmoid_times(g, g) * (loadu(v + i) + loadu(bias_v + i)));
    }
    if (i == hidden) continue;
    float gates[kWidth] = {}, values[kWidth] = {};
    for (int64_t k = i; k < hidden; ++k) {
      gates[k - i] = x[k] + bias[k];
      values[k - i] = v[k] + bias_v[k];
    }
    const Vec g = loadu(gates);
    storeu(gates, sigmoid_times(g, g) * loadu(values));
    for (int64_t k = i; k < hidden; ++k) x[k] = gates[k - i];
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

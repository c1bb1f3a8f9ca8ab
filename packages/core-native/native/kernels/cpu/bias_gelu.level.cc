#include "kernels/cpu/bias_gelu.h"

#include <cstdint>

#include "kernels/cpu/gelu_vector.h"
#include "kernels/cpu/simd.h"

namespace saev {
namespace SAEV_LEVEL {

template <Gelu kind>
SAEV_INLINE void rows_of(float* x, const float* bias, int64_t rows, int64_t d) {
  for (int64_t r = 0; r < rows; ++r, x += d) {
    int64_t i = 0;
    for (; i + kWidth <= d; i += kWidth) storeu(x + i, vgelu<kind>(loadu(x + i) + loadu(bias + i)));
    if (i == d) continue;
    float rest[kWidth] = {};
    for (int64_t k = i; k < d; ++k) rest[k - i] = x[k] + bias[k];
    storeu(rest, vgelu<kind>(loadu(rest)));
    for (int64_t k = i; k < d; ++k) x[k] = rest[k - i];
  }
}

void bias_gelu_rows(float* x, const float* bias, int64_t rows, int64_t d, Gelu gelu) {
  switch (gelu) {
    case Gelu::kErf:
      return rows_of<Gelu::kErf>(x, bias, rows, d);
    case Gelu::kTanh:
      return rows_of<Gelu::kTanh>(x, bias, rows, d);
    case Gelu::kQuick:
      return rows_of<Gelu::kQuick>(x, bias, rows, d);
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

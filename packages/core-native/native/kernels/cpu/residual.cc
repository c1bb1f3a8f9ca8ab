#include "kernels/cpu/residual.h"

namespace saev::plain {

double residual(const ResidualArgs& a) {
  double sum = 0;
  for (int64_t r = 0; r < a.n; ++r) {
    for (int64_t k = 0; k < a.width; ++k) {
      const float e = a.e[r * a.width + k];
      sum += static_cast<double>(e) * e;
      a.gradient[r * a.width + k] = a.scale * e;
      a.column_sums[k] += a.scale * e;
    }
  }
  return sum;
}

}  // namespace saev::plain

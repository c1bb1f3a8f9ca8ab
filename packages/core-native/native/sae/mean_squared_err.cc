#include "sae/mean_squared_err.h"

#include <algorithm>
#include <cmath>

namespace saev {

void mean_squared_err(const float* x_hat, const float* x, int64_t rows, int64_t dim, bool norm, float* out) {
  float upper = 0;
  for (int64_t i = 0; i < rows * dim; ++i) upper = std::max(upper, std::fabs(x[i]));
  for (int64_t r = 0; r < rows; ++r) {
    double squares = 0;
    for (int64_t k = 0; k < dim; ++k) {
      const double scaled = x[r * dim + k] / upper;
      squares += scaled * scaled;
    }
    const float length = static_cast<float>(std::sqrt(squares)) + 1e-12f;
    for (int64_t k = 0; k < dim; ++k) {
      const int64_t i = r * dim + k;
      const float e = x_hat[i] / upper - x[i] / upper;
      out[i] = norm ? e * e / length * upper : e * e * upper * upper;
    }
  }
}

}  // namespace saev

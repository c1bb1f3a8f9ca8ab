#include "kernels/cpu/bias_gelu.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/row_tasks.h"

namespace saev {

#define SAEV_DECLARE(level)                                                             \
  namespace level {                                                                     \
  void bias_gelu_rows(float* x, const float* bias, int64_t rows, int64_t d, Gelu gelu); \
  }
SAEV_DECLARE(avx2)
SAEV_DECLARE(avx512)
SAEV_DECLARE(neon)
#undef SAEV_DECLARE

namespace {

void plain(float* x, const float* bias, int64_t rows, int64_t d, Gelu gelu) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < d; ++i) {
      float& v = x[r * d + i];
      v = static_cast<float>(gelu_of(v + bias[i], gelu));
    }
  }
}

using Rows = void (*)(float*, const float*, int64_t, int64_t, Gelu);

Rows rows_at(Level level) {
  switch (level) {
#ifdef SAEV_HAS_AVX2
    case Level::kAvx2:
      return avx2::bias_gelu_rows;
    case Level::kAvx512:
      return avx512::bias_gelu_rows;
#endif
#ifdef SAEV_HAS_NEON
    case Level::kNeon:
      return neon::bias_gelu_rows;
#endif
    default:
      return plain;
  }
}

}  // namespace

double gelu_of(double x, Gelu gelu) {
  switch (gelu) {
    case Gelu::kErf:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Gelu::kTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Gelu::kQuick:
      return x / (1 + std::exp(-1.702 * x));
  }
  return x;
}

const char* gelu_name(Gelu gelu) {
  switch (gelu) {
    case Gelu::kErf:
      return "erf";
    case Gelu::kTanh:
      return "tanh";
    case Gelu::kQuick:
      return "quick";
  }
  return "erf";
}

void bias_gelu(float* x, const float* bias, int64_t rows, int64_t d, Gelu gelu, Level level) {
  if (rows == 0 || d == 0) return;
  const int64_t block = rows_of_a_task(d);
  const Rows run = rows_at(level);
  parallel_tasks((rows + block - 1) / block, [&](int64_t task, int) {
    const int64_t from = task * block;
    run(x + from * d, bias, std::min(block, rows - from), d, gelu);
  });
}

}  // namespace saev

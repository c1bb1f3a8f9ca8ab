#include "kernels/cpu/bias_swiglu.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/row_tasks.h"

namespace saev {

#define SAEV_DECLARE(level)                                                         \
  namespace level {                                                                 \
  void bias_swiglu_rows(float* x, const float* bias, int64_t rows, int64_t hidden); \
  }
SAEV_DECLARE(avx2)
SAEV_DECLARE(avx512)
SAEV_DECLARE(neon)
#undef SAEV_DECLARE

namespace {

void plain(float* x, const float* bias, int64_t rows, int64_t hidden) {
  for (int64_t r = 0; r < rows; ++r, x += 2 * hidden) {
    for (int64_t i = 0; i < hidden; ++i) {
      const double g = double{x[i]} + bias[i], v = double{x[hidden + i]} + bias[hidden + i];
      x[i] = static_cast<float>(g / (1 + std::exp(-g)) * v);
    }
  }
}

using Rows = void (*)(float*, const float*, int64_t, int64_t);

Rows rows_at(Level level) {
  switch (level) {
#ifdef SAEV_HAS_AVX2
    case Level::kAvx2:
      return avx2::bias_swiglu_rows;
    case Level::kAvx512:
      return avx512::bias_swiglu_rows;
#endif
#ifdef SAEV_HAS_NEON
    case Level::kNeon:
      return neon::bias_swiglu_rows;
#endif
    default:
      return plain;
  }
}

}  // namespace

void bias_swiglu(float* x, const float* bias, int64_t rows, int64_t hidden, Level level) {
  if (rows == 0 || hidden == 0) return;
  const int64_t block = rows_of_a_task(2 * hidden);
  const Rows run = rows_at(level);
  parallel_tasks((rows + block - 1) / block, [&](int64_t task, int) {
    const int64_t from = task * block;
    run(x + from * 2 * hidden, bias, std::min(block, rows - from), hidden);
  });
}

}  // namespace saev

#include "kernels/cpu/add_norm.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/row_tasks.h"
#include "kernels/cpu/rows_view.h"

namespace saev {

#define SAEV_DECLARE(level)                                       \
  namespace level {                                               \
  void add_norm_rows(const AddNorm& a, int64_t from, int64_t to); \
  }
SAEV_DECLARE(avx2)
SAEV_DECLARE(avx512)
SAEV_DECLARE(neon)
#undef SAEV_DECLARE

namespace {

void plain(const AddNorm& a, int64_t from, int64_t to) {
  for (int64_t r = from; r < to; ++r) {
    float* x = a.x + r * a.d;
    if (a.y != nullptr) {
      for (int64_t i = 0; i < a.d; ++i) {
        const float branch = a.y[r * a.d + i] + (a.bias != nullptr ? a.bias[i] : 0.f);
        x[i] += a.scale != nullptr ? a.scale[i] * branch : branch;
      }
    }
    if (a.out == nullptr && a.out16 == nullptr) continue;
    const int64_t stride = a.out_stride > 0 ? a.out_stride : a.d;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < a.d; ++i) sum += x[i];
    const double mean = sum / static_cast<double>(a.d);
    for (int64_t i = 0; i < a.d; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const double rstd = 1.0 / std::sqrt(squares / static_cast<double>(a.d) + a.eps);
    for (int64_t i = 0; i < a.d; ++i) {
      const auto value = static_cast<float>((x[i] - mean) * rstd * a.gain[i] + a.shift[i]);
      if (a.out16 != nullptr) {
        a.out16[r * stride + i] = to_bfloat16(value);
      } else {
        a.out[r * stride + i] = value;
      }
    }
  }
}

using Rows = void (*)(const AddNorm&, int64_t, int64_t);

Rows rows_at(Level level) {
  switch (level) {
#ifdef SAEV_HAS_AVX2
    case Level::kAvx2:
      return avx2::add_norm_rows;
    case Level::kAvx512:
      return avx512::add_norm_rows;
#endif
#ifdef SAEV_HAS_NEON
    case Level::kNeon:
      return neon::add_norm_rows;
#endif
    default:
      return plain;
  }
}

}  // namespace

void add_norm(const AddNorm& a, Level level) {
  if (a.rows == 0 || a.d == 0) return;
  const int64_t block = rows_of_a_task(a.d);
  const Rows run = rows_at(level);
  parallel_tasks((a.rows + block - 1) / block,
                 [&](int64_t task, int) { run(a, task * block, std::min(a.rows, (task + 1) * block)); });
}

}  // namespace saev

#include "stats/unit_rows.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

#include "core/parallel.h"

namespace saev {

at::Tensor unit_rows(const at::Tensor& matrix) {
  constexpr int64_t kBlock = 512;
  const at::Tensor in = matrix.contiguous();
  const int64_t n = in.size(0), d = in.size(1);
  at::Tensor out = at::empty({n, d}, at::kFloat);
  const float* from = in.const_data_ptr<float>();
  float* to = out.mutable_data_ptr<float>();
  parallel_tasks((n + kBlock - 1) / kBlock, [&](int64_t task, int) {
    for (int64_t r = task * kBlock; r < std::min(n, (task + 1) * kBlock); ++r) {
      double square = 0;
      for (int64_t c = 0; c < d; ++c) square += static_cast<double>(from[r * d + c]) * from[r * d + c];
      const bool has_direction = square > 0 && std::isfinite(square);
      const double scale = has_direction ? 1 / std::sqrt(square) : 0;
      for (int64_t c = 0; c < d; ++c) {
        to[r * d + c] = has_direction ? static_cast<float>(from[r * d + c] * scale) : 0;
      }
    }
  });
  return out;
}

}  // namespace saev

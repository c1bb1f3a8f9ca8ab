#include "stats/row_cosines.h"

#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/parallel.h"
#include "stats/unit_rows.h"

namespace saev {

RowCosines row_cosines(const at::Tensor& a, const Job& job) {
  constexpr int64_t kBlock = 512;
  if (a.dim() != 2 || a.scalar_type() != at::kFloat)
    throw Error(Code::kShapeMismatch, "expected a float32 matrix");
  const at::Tensor rows = unit_rows(a), others = rows.t();
  const int64_t n = a.size(0);
  RowCosines out{std::vector<float>(static_cast<size_t>(n)), std::vector<float>(static_cast<size_t>(n))};
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    job.check_abort();
    const int64_t count = std::min(kBlock, n - begin);
    const at::Tensor products = at::mm(rows.narrow(0, begin, count), others);
    const float* all = products.const_data_ptr<float>();
    parallel_tasks(count, [&](int64_t task, int) {
      const float* cosine = all + task * n;
      const int64_t self = begin + task;
      if (n == 1) return;
      float high = -1, low = 1;
      const auto see = [&](int64_t from, int64_t to) {
        for (int64_t j = from; j < to; ++j) {
          high = std::max(high, cosine[j]);
          low = std::min(low, cosine[j]);
        }
      };
      see(0, self);
      see(self + 1, n);
      out.largest[static_cast<size_t>(self)] = std::min(1.0f, high);
      out.magnitude[static_cast<size_t>(self)] = std::min(1.0f, std::max(high, -low));
    });
    job.report({static_cast<double>(begin + count), static_cast<double>(n), {}});
  }
  return out;
}

}  // namespace saev

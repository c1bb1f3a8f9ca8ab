#include "stats/nearest_rows.h"

#include <ATen/ops/mm.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "core/error.h"
#include "core/parallel.h"
#include "stats/unit_rows.h"

namespace saev {
namespace {

constexpr int64_t kBlock = 512;

void check(const at::Tensor& a, const at::Tensor& b) {
  const bool fits = a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(1) && a.scalar_type() == at::kFloat &&
                    b.scalar_type() == at::kFloat;
  if (!fits) {
    throw Error(Code::kShapeMismatch, "expected two float32 matrices with rows of the same length");
  }
}

}  // namespace

NearestRows nearest_rows(const at::Tensor& a, const at::Tensor& b, int64_t k, bool skip_self,
                         const Job& job) {
  check(a, b);
  if (k < 1) throw Error(Code::kInvalidArgument, "k: expected at least 1, found " + std::to_string(k));
  const at::Tensor rows = unit_rows(a), others = unit_rows(b).t();
  const int64_t n = a.size(0), m = b.size(0);
  const int64_t kept = std::min(k, std::max<int64_t>(0, skip_self ? m - 1 : m));
  NearestRows out{n, kept, std::vector<int32_t>(n * kept), std::vector<float>(n * kept)};
  if (kept == 0) return out;
  std::vector<std::vector<int32_t>> scratch(num_threads());
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    job.check_abort();
    const int64_t count = std::min(kBlock, n - begin);
    const at::Tensor products = at::mm(rows.narrow(0, begin, count), others);
    const float* all = products.const_data_ptr<float>();
    parallel_tasks(count, [&](int64_t task, int thread) {
      const float* cosine = all + task * m;
      const int64_t row = begin + task;
      std::vector<int32_t>& order = scratch[thread];
      order.resize(m);
      std::iota(order.begin(), order.end(), 0);
      if (skip_self && row < m) order.erase(order.begin() + row);
      std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](int32_t x, int32_t y) {
        return cosine[x] != cosine[y] ? cosine[x] > cosine[y] : x < y;
      });
      for (int64_t i = 0; i < kept; ++i) {
        out.index[row * kept + i] = order[i];
        out.cosine[row * kept + i] = cosine[order[i]];
      }
    });
    job.report({static_cast<double>(begin + count), static_cast<double>(n), {}});
  }
  return out;
}

}  // namespace saev

#include "stats/nearest_rows.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/error.h"
#include "test/check.h"

namespace {

using namespace saev;

at::Tensor random_matrix(int64_t n, int64_t d, uint32_t seed) {
  at::Tensor out = at::empty({n, d}, at::kFloat);
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  float* data = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < n * d; ++i) data[i] = normal(rng);
  return out;
}

double cosine(const at::Tensor& a, int64_t i, const at::Tensor& b, int64_t j) {
  const int64_t d = a.size(1);
  const float *x = a.const_data_ptr<float>() + i * d, *y = b.const_data_ptr<float>() + j * d;
  double xy = 0, xx = 0, yy = 0;
  for (int64_t c = 0; c < d; ++c) {
    xy += static_cast<double>(x[c]) * y[c];
    xx += static_cast<double>(x[c]) * x[c];
    yy += static_cast<double>(y[c]) * y[c];
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

}  // namespace

TEST(nearest_rows_are_those_of_a_full_sort) {
  // Across the end of a block of rows; some rows zero, some twice.
  at::Tensor a = random_matrix(530, 19, 1);
  const at::Tensor b = random_matrix(77, 19, 2);
  std::fill_n(a.mutable_data_ptr<float>() + 5 * 19, 19, 0.0f);
  const int64_t k = 6;
  for (const bool self : {false, true}) {
    const at::Tensor& others = self ? a : b;
    const NearestRows found = nearest_rows(a, others, k, self, Job());
    CHECK(found.k == k);
    for (int64_t row = 0; row < a.size(0); ++row) {
      std::vector<double> all;
      for (int64_t j = 0; j < others.size(0); ++j) {
        if (!(self && j == row)) all.push_back(cosine(a, row, others, j));
      }
      std::sort(all.rbegin(), all.rend());
      for (int64_t i = 0; i < k; ++i) {
        // float32 products of unit vectors: 19 terms of at most 1.
        CHECK(std::abs(found.cosine[row * k + i] - all[i]) < 1e-6);
        CHECK(std::abs(cosine(a, row, others, found.index[row * k + i]) - all[i]) < 1e-6);
        CHECK(!(self && found.index[row * k + i] == row));
      }
    }
  }
}

TEST(nearest_rows_cuts_k_and_refuses_other_shapes) {
  const at::Tensor a = random_matrix(3, 4, 3);
  CHECK(nearest_rows(a, a, 10, true, Job()).k == 2);
  CHECK(nearest_rows(a, a, 10, false, Job()).k == 3);
  CHECK(nearest_rows(a, at::zeros({0, 4}, at::kFloat), 2, false, Job()).k == 0);
  CHECK_THROWS(nearest_rows(a, random_matrix(3, 5, 4), 1, false, Job()), Code::kShapeMismatch);
  CHECK_THROWS(nearest_rows(a, a, 0, false, Job()), Code::kInvalidArgument);
}

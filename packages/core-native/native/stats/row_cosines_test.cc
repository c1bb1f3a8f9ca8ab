#include "stats/row_cosines.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <cstring>

#include "kernels/level.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

std::vector<float> normal(int64_t n, uint64_t seed, float scale) {
  std::vector<float> out(static_cast<size_t>(n));
  test::Random(seed).fill(out.data(), n, scale);
  return out;
}

}  // namespace

TEST(row_cosines_are_those_of_the_plain_formula) {
  constexpr double kTolerance = 1e-5;  // a float32 product of d terms
  const int64_t n = 1100, d = 24;
  auto values = normal(n * d, 1, 1.0f);
  for (int64_t k = 0; k < d; ++k) {
    values[3 * d + k] = 0;                            // no direction
    values[(n - 1) * d + k] = 2 * values[k];          // the same direction as row 0
    values[(n - 2) * d + k] = -0.5f * values[d + k];  // the opposite of row 1
  }
  at::Tensor a = at::empty({n, d}, at::kFloat);
  std::memcpy(a.mutable_data_ptr(), values.data(), values.size() * sizeof(float));
  const RowCosines found = row_cosines(a, Job());
  for (int64_t i = 0; i < n; i += i < 5 || i > n - 5 ? 1 : 13) {
    double high = -1, magnitude = 0;
    for (int64_t j = 0; j < n; ++j) {
      if (j == i) continue;
      double dot = 0, aa = 0, bb = 0;
      for (int64_t k = 0; k < d; ++k) {
        dot += static_cast<double>(values[i * d + k]) * values[j * d + k];
        aa += static_cast<double>(values[i * d + k]) * values[i * d + k];
        bb += static_cast<double>(values[j * d + k]) * values[j * d + k];
      }
      const double cosine = aa > 0 && bb > 0 ? dot / std::sqrt(aa * bb) : 0;
      high = std::max(high, cosine);
      magnitude = std::max(magnitude, std::fabs(cosine));
    }
    CHECK_CLOSE(found.largest[i], high, kTolerance);
    CHECK_CLOSE(found.magnitude[i], magnitude, kTolerance);
  }
  CHECK_CLOSE(found.largest[0], 1, kTolerance);
  CHECK_CLOSE(found.magnitude[1], 1, kTolerance);
  CHECK(found.largest[1] < 0.99 && found.largest[3] == 0 && found.magnitude[3] == 0);
  const RowCosines alone = row_cosines(a.narrow(0, 0, 1), Job());
  CHECK(alone.largest[0] == 0 && alone.magnitude[0] == 0);
  CHECK(row_cosines(a.narrow(0, 0, 0), Job()).largest.empty());
  const Level best = active_level();
  force_level(Level::kPlain);  // the library's product
  const RowCosines plain = row_cosines(a, Job());
  force_level(best);
  for (int64_t i = 0; i < n; ++i) CHECK_CLOSE(plain.magnitude[i], found.magnitude[i], kTolerance);
  const RowCosines columns = row_cosines(a.t().contiguous().t(), Job());
  CHECK(columns.largest == found.largest);
  CHECK_THROWS(row_cosines(a.narrow(0, 0, 1).squeeze(), Job()), Code::kShapeMismatch);
}

}  // namespace saev

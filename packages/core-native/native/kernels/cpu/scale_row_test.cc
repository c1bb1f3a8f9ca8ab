#include "kernels/cpu/scale_row.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/error.h"
#include "test/check.h"

// The same operations in the same order at every level: equal to the bit.
TEST(scale_row_levels_agree_with_plain) {
  for (const int64_t d : {1, 3, 15, 16, 17, 64, 100, 768}) {
    std::vector<float> x(d), mean(d), expected(d), found(d);
    for (int64_t c = 0; c < d; ++c) {
      x[c] = std::sin(static_cast<float>(c) * 1.7f) * 30.f;
      mean[c] = std::cos(static_cast<float>(c)) * 2.f;
    }
    x[0] = std::numeric_limits<float>::quiet_NaN();
    if (d > 2) x[1] = std::numeric_limits<float>::infinity(), x[2] = -std::numeric_limits<float>::infinity();
    saev::scale_row(saev::Level::kPlain)(x.data(), nullptr, mean.data(), 20.f, 1.7f, d, expected.data());
    if (d > 2) CHECK(expected[1] == (20.f - mean[1]) / 1.7f);
    for (const saev::Level level : saev::available_levels()) {
      saev::scale_row(level)(x.data(), x.data(), mean.data(), 20.f, 1.7f, d, found.data());
      CHECK(std::isnan(found[0]));
      CHECK(std::memcmp(found.data() + 1, expected.data() + 1, sizeof(float) * (d - 1)) == 0);
    }
  }
}

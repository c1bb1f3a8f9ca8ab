#include "kernels/cpu/bias_swiglu.h"

#include <cmath>
#include <string>
#include <vector>

#include "test/check.h"

// float32 against float64: two roundings of sums, one each of exp, quotient and product.
constexpr double kTolerance = 1e-6;

TEST(bias_swiglu_levels_agree_with_the_formula) {
  for (const int64_t hidden : {1, 7, 16, 33, 1000}) {
    const int64_t rows = 37, width = 2 * hidden;
    std::vector<float> x(rows * width), bias(width);
    for (int64_t i = 0; i < rows * width; ++i) {
      x[i] = std::sin(static_cast<float>(i) * 0.7f) * std::pow(10.f, static_cast<float>(i % 4) - 2.f);
    }
    for (int64_t i = 0; i < width; ++i) bias[i] = std::cos(static_cast<float>(i));
    for (const saev::Level level : saev::available_levels()) {
      std::vector<float> found = x;
      saev::bias_swiglu(found.data(), bias.data(), rows, hidden, level);
      double worst = 0;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < width; ++i) {
          const int64_t at = r * width + i;
          if (i >= hidden) {
            CHECK(found[at] == x[at]);
            continue;
          }
          const double g = double{x[at]} + bias[i], v = double{x[at + hidden]} + bias[i + hidden];
          const double expected = g / (1 + std::exp(-g)) * v;
          const double scale = std::max(1.0, std::fabs(g) * std::max(1.0, std::fabs(v)));
          worst = std::max(worst, std::fabs(found[at] - expected) / scale);
        }
      }
      if (!(worst <= kTolerance)) {
        saev::test::fail(__FILE__, __LINE__,
                         std::string(saev::level_name(level)) + ": off by " + std::to_string(worst * 1e7) +
                             "e-7 at " + std::to_string(hidden));
      }
    }
  }
}

TEST(bias_swiglu_keeps_nan) {
  for (const saev::Level level : saev::available_levels()) {
    for (const size_t where : {0, 1}) {
      std::vector<float> x = {1.f, 1.f};
      x[where] = NAN;
      const std::vector<float> bias(2, 0.f);
      saev::bias_swiglu(x.data(), bias.data(), 1, 1, level);
      CHECK(std::isnan(x[0]));
    }
  }
}

#include "kernels/cpu/bias_gelu.h"

#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "test/check.h"

// The levels compute in float32 with an erf that is off by 3.4e-7; half of x times that, and the roundings of
// the steps before, stay within 6e-7 of max(1, |x|).
constexpr double kTolerance = 6e-7;

TEST(bias_gelu_levels_agree_with_plain) {
  using saev::Gelu;
  for (const Gelu gelu : {Gelu::kErf, Gelu::kTanh, Gelu::kQuick}) {
    for (const int64_t d : {1, 7, 16, 33, 1000}) {
      const int64_t rows = 37;
      std::vector<float> x(rows * d), bias(d);
      for (int64_t i = 0; i < rows * d; ++i) {
        x[i] = std::sin(static_cast<float>(i) * 0.7f) * std::pow(10.f, static_cast<float>(i % 5) - 2.f);
      }
      for (int64_t i = 0; i < d; ++i) bias[i] = std::cos(static_cast<float>(i));
      std::vector<float> expected = x;
      saev::bias_gelu(expected.data(), bias.data(), rows, d, gelu, saev::Level::kPlain);
      for (const saev::Level level : saev::available_levels()) {
        std::vector<float> found = x;
        saev::bias_gelu(found.data(), bias.data(), rows, d, gelu, level);
        double worst = 0;
        for (int64_t i = 0; i < rows * d; ++i) {
          const double scale = std::max(1.0, std::fabs(double{x[i]} + bias[i % d]));
          worst = std::max(worst, std::fabs(double{found[i]} - expected[i]) / scale);
        }
        if (!(worst <= kTolerance)) {
          saev::test::fail(__FILE__, __LINE__,
                           std::string(saev::gelu_name(gelu)) + " at " + saev::level_name(level) +
                               ": off by " + std::to_string(worst * 1e7) + "e-7");
        }
      }
    }
  }
}

TEST(bias_gelu_edges) {
  for (const saev::Level level : saev::available_levels()) {
    for (const saev::Gelu gelu : {saev::Gelu::kErf, saev::Gelu::kTanh, saev::Gelu::kQuick}) {
      std::vector<float> x = {1000.f, -1000.f, 0.f, NAN};
      const std::vector<float> bias(4, 0.f);
      saev::bias_gelu(x.data(), bias.data(), 1, 4, gelu, level);
      CHECK(x[0] == 1000.f);
      CHECK(std::fabs(x[1]) < 1e-3f);  // the exact value underflows; 1e-6 of |x| is what float32's erf leaves
      CHECK(x[2] == 0.f);
      CHECK(std::isnan(x[3]));
    }
  }
}

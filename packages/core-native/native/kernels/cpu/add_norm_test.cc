#include "kernels/cpu/add_norm.h"

#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "test/check.h"

// A row's mean and variance in float32 instead of float64: a few units of rounding of values of size 1 to 4.
constexpr double kTolerance = 2e-6;

TEST(add_norm_levels_agree_with_plain) {
  for (const int64_t d : {1, 5, 16, 48, 100, 768}) {
    const int64_t rows = 70;
    std::vector<float> x(rows * d), y(rows * d), bias(d), scale(d), gain(d), shift(d);
    for (int64_t i = 0; i < rows * d; ++i) {
      x[i] = std::sin(static_cast<float>(i) * 1.3f) * 3.f + 2.f;
      y[i] = std::cos(static_cast<float>(i) * 0.7f);
    }
    for (int64_t i = 0; i < d; ++i) {
      bias[i] = std::sin(static_cast<float>(i)), scale[i] = 0.5f + 0.1f * static_cast<float>(i % 7);
      gain[i] = 1.f + 0.2f * std::cos(static_cast<float>(i)), shift[i] = 0.1f * static_cast<float>(i % 3);
    }
    for (const bool with_branch : {false, true}) {
      for (const bool with_scale : {false, true}) {
        for (const bool with_norm : {false, true}) {
          const auto run = [&](saev::Level level, std::vector<float>& into, std::vector<float>& out) {
            into = x;
            out.assign(rows * d, 0.f);
            saev::AddNorm a;
            a.x = into.data();
            if (with_branch) a.y = y.data(), a.bias = bias.data();
            if (with_scale) a.scale = scale.data();
            if (with_norm) a.out = out.data();
            a.gain = gain.data(), a.shift = shift.data(), a.eps = 1e-5f, a.rows = rows, a.d = d;
            saev::add_norm(a, level);
          };
          std::vector<float> expected_x, expected, found_x, found;
          run(saev::Level::kPlain, expected_x, expected);
          for (const saev::Level level : saev::available_levels()) {
            run(level, found_x, found);
            double worst = 0;
            for (int64_t i = 0; i < rows * d; ++i) {
              worst = std::max<double>(worst, std::fabs(found_x[i] - expected_x[i]) / 4);
              worst = std::max<double>(worst, std::fabs(found[i] - expected[i]));
            }
            if (!(worst <= kTolerance)) {
              saev::test::fail(__FILE__, __LINE__,
                               "d " + std::to_string(d) + " at " + saev::level_name(level) + ": off by " +
                                   std::to_string(worst * 1e6) + "e-6");
            }
          }
        }
      }
    }
  }
}

TEST(add_norm_in_place) {
  std::vector<float> x = {1.f, 2.f, 3.f, 4.f};
  const std::vector<float> gain(4, 1.f), shift(4, 0.f);
  saev::AddNorm a;
  a.x = x.data(), a.out = x.data(), a.gain = gain.data(), a.shift = shift.data(), a.rows = 1, a.d = 4;
  saev::add_norm(a);
  CHECK_CLOSE(x[0], -1.5 / std::sqrt(1.25), 1e-6);
  CHECK_CLOSE(x[3], 1.5 / std::sqrt(1.25), 1e-6);
}

#include "kernels/cpu/attention.h"

#include <cmath>
#include <string>
#include <vector>

#include "test/check.h"
#include "test/random.h"

// Weights that add up to 1, of values up to 1: float32's exp is good to 1e-7 and grows with the scores'
// error, some 1e-6 for scores up to 10.
constexpr double kTolerance = 1e-5;
constexpr double kBfloat16Tolerance = 1.0 / 256;

TEST(attention_levels_agree_with_plain) {
  struct Case {
    int64_t images, tokens, heads, width;
  };
  for (const Case& c : {Case{2, 1, 1, 4}, Case{1, 5, 2, 8}, Case{3, 50, 2, 64}, Case{1, 33, 3, 72},
                        Case{1, 197, 1, 80}, Case{1, 257, 1, 88}, Case{1, 300, 1, 7}}) {
    const int64_t rows = c.images * c.tokens, d = c.heads * c.width;
    std::vector<float> qkv(rows * 3 * d);
    saev::test::Random random(3);
    for (float& x : qkv) x = static_cast<float>(4 * random.uniform() - 2);
    std::vector<float> expected(rows * d);
    saev::Attention a{qkv.data(), {expected.data(), nullptr, d}, c.images, c.tokens, c.heads, c.width};
    saev::attention(a, saev::Level::kPlain);
    for (const saev::Level level : saev::available_levels()) {
      for (const bool half : {false, true}) {
        const int64_t stride = d + 5;
        std::vector<float> found(rows * stride, 9.f);
        std::vector<uint16_t> found16(rows * stride, saev::to_bfloat16(9.f));
        a.out = {half ? nullptr : found.data(), half ? found16.data() : nullptr, stride};
        saev::attention(a, level);
        double worst = 0;
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t i = 0; i < stride; ++i) {
            const double value = half ? saev::from_bfloat16(found16[r * stride + i]) : found[r * stride + i];
            if (i >= d) {
              CHECK(value == 9.0);
            } else {
              worst = std::max(worst, std::fabs(value - expected[r * d + i]) /
                                          std::max(1.0, std::fabs(double{expected[r * d + i]})));
            }
          }
        }
        if (!(worst <= (half ? kBfloat16Tolerance : kTolerance))) {
          saev::test::fail(__FILE__, __LINE__,
                           std::string(saev::level_name(level)) + ", " + std::to_string(c.tokens) +
                               " tokens, width " + std::to_string(c.width) + ": off by " +
                               std::to_string(worst));
        }
      }
    }
  }
}

TEST(attention_passes_on_what_is_not_finite) {
  for (const float bad : {NAN, INFINITY}) {
    for (const saev::Level level : saev::available_levels()) {
      std::vector<float> qkv(2 * 20 * 3 * 8, 0.5f), out(2 * 20 * 8);
      qkv[3] = bad;  // a query of the first image
      saev::attention({qkv.data(), {out.data(), nullptr, 8}, 2, 20, 1, 8}, level);
      CHECK(std::isnan(out[0]));
      CHECK(out[8 * 19] == 0.5f);      // other tokens
      CHECK(out[8 * 20 + 1] == 0.5f);  // and images
    }
  }
}

#include "kernels/cpu/resample_rows.h"

#include <cstdint>
#include <string>
#include <vector>

#include "image/resample.h"
#include "test/check.h"
#include "test/random.h"

// Sums are whole numbers: every level gives the plain one's bytes.
TEST(resample_levels_equal_plain) {
  struct Case {
    int64_t height, width, outputs;
  };
  saev::test::Random random(9);
  for (const Case& c : {Case{1, 1, 1}, Case{3, 5, 2}, Case{4, 40, 17}, Case{9, 500, 299}, Case{18, 30, 64},
                        Case{17, 375, 224}}) {
    std::vector<uint8_t> src(c.height * c.width * 3);
    // Extremes make the bicubic filter overshoot on both sides.
    for (uint8_t& b : src)
      b = random.uniform() < 0.5 ? 0 : random.uniform() < 0.5 ? 255 : random.bits() & 255;
    for (const auto filter : {saev::Filter::kBicubic, saev::Filter::kBilinear}) {
      const auto along_x = saev::coefficients(c.width, c.outputs, 0, c.outputs, filter);
      const auto along_y = saev::coefficients(c.height, 7, 0, 7, filter);
      const auto axis = [](const saev::Coefficients& k) {
        return saev::ResampleAxis{k.first.data(), k.count.data(), k.weights.data(), k.taps,
                                  static_cast<int64_t>(k.first.size())};
      };
      std::vector<uint8_t> wide(c.height * c.outputs * 3), tall(7 * c.width * 3);
      saev::plain::resample_horizontal(src.data(), c.height, c.width, axis(along_x), wide.data());
      saev::plain::resample_vertical(src.data(), c.width * 3, 0, axis(along_y), tall.data());
      for (const saev::Level level : saev::available_levels()) {
        std::vector<uint8_t> x(wide.size()), y(tall.size());
        SAEV_PICK(level, resample_horizontal)(src.data(), c.height, c.width, axis(along_x), x.data());
        SAEV_PICK(level, resample_vertical)(src.data(), c.width * 3, 0, axis(along_y), y.data());
        if (x != wide || y != tall) {
          saev::test::fail(__FILE__, __LINE__,
                           std::string(saev::level_name(level)) + ": " + std::to_string(c.width) + " to " +
                               std::to_string(c.outputs));
        }
      }
    }
  }
}

#include "image/resample.h"

#include <vector>

#include "core/error.h"
#include "test/check.h"

namespace saev {

TEST(resample_weights_sum_to_one) {
  for (const Filter filter : {Filter::kBicubic, Filter::kBilinear}) {
    for (const auto& [in, out] :
         std::vector<std::pair<int64_t, int64_t>>{{5, 64}, {64, 5}, {480, 224}, {1, 9}}) {
      const auto c = coefficients(in, out, 0, out, filter);
      for (int64_t i = 0; i < out; ++i) {
        int64_t sum = 0;
        for (int64_t k = 0; k < c.count[i]; ++k) sum += c.weights[i * c.taps + k];
        CHECK(c.first[i] >= 0 && c.first[i] + c.count[i] <= in && c.count[i] <= c.taps);
        // Each weight is rounded to a unit, so the sum is off by at most half a unit a weight.
        CHECK(std::abs(sum - (1 << 22)) <= (c.count[i] + 1) / 2);
      }
    }
  }
}

TEST(resample_window_is_part_of_the_whole) {
  const int64_t h = 31, w = 47, oh = 20, ow = 60;
  std::vector<uint8_t> src(h * w * 3);
  for (size_t i = 0; i < src.size(); ++i) src[i] = static_cast<uint8_t>(i * 2654435761u >> 24);
  std::vector<uint8_t> whole(oh * ow * 3), part(7 * 11 * 3);
  resize_rgb(src.data(), h, w, oh, ow, Filter::kBicubic, {0, 0, ow, oh}, whole.data());
  resize_rgb(src.data(), h, w, oh, ow, Filter::kBicubic, {13, 5, 11, 7}, part.data());
  bool same = true;
  for (int64_t y = 0; y < 7; ++y) {
    for (int64_t i = 0; i < 33; ++i) same &= part[y * 33 + i] == whole[((5 + y) * ow + 13) * 3 + i];
  }
  CHECK(same);
}

TEST(resample_keeps_a_flat_image_flat) {
  const std::vector<uint8_t> src(40 * 30 * 3, 201);
  std::vector<uint8_t> dst(7 * 90 * 3);
  resize_rgb(src.data(), 40, 30, 7, 90, Filter::kBilinear, {0, 0, 90, 7}, dst.data());
  bool flat = true;
  for (const uint8_t v : dst) flat &= v == 201;
  CHECK(flat);
}

TEST(resample_refuses_windows_outside) {
  const std::vector<uint8_t> src(4 * 4 * 3);
  std::vector<uint8_t> dst(64 * 3);
  CHECK_THROWS(resize_rgb(src.data(), 4, 4, 2, 2, Filter::kBicubic, {1, 0, 2, 2}, dst.data()),
               Code::kInvalidArgument);
  CHECK_THROWS(resize_rgb(src.data(), 4, 4, 0, 2, Filter::kBicubic, {0, 0, 2, 0}, dst.data()),
               Code::kInvalidArgument);
}

}  // namespace saev

#include "kernels/cpu/encode_half.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/aligned.h"
#include "core/error.h"
#include "kernels/cpu/rows_view.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

struct Shape {
  int64_t rows, stride, n_panels;
  float floor;
};

AlignedArray<float> filled(int64_t n, test::Random& random) {
  AlignedArray<float> out(static_cast<size_t>(n));
  random.fill(out.data(), n);
  return out;
}

double rounded(float x) {
  return static_cast<double>(from_bfloat16(to_bfloat16(x)));
}

void check_segment(const HalfEncoder& half, const Shape& s) {
  test::Random random(static_cast<uint64_t>(s.rows + s.stride));
  const int64_t latents = s.n_panels * kPanel, padded = (s.rows + half.group - 1) / half.group * half.group;
  const AlignedArray<float> x = filled(s.rows * s.stride, random), w = filled(latents * s.stride, random);
  const AlignedArray<float> bias = filled(latents, random);
  AlignedArray<float> floor(static_cast<size_t>(padded));
  for (int64_t r = 0; r < padded; ++r) floor[static_cast<size_t>(r)] = s.floor;
  const auto rows_size = static_cast<size_t>(padded * half.row_size(s.stride));
  AlignedArray<uint16_t> rows(rows_size), panels(static_cast<size_t>(latents * s.stride + kHalfSlack));
  half.pack_rows({x.data(), s.rows, s.stride, rows.data()});
  half.pack_panels({w.data(), s.stride, s.n_panels, panels.data()});
  const auto lists = static_cast<size_t>(padded * (latents + kListSlack));
  AlignedArray<float> row_value(lists), value(lists);
  AlignedArray<uint16_t> row_index(lists), index(lists);
  std::vector<int32_t> ptr(static_cast<size_t>(s.rows + 1));
  half.segment({rows.data(), s.rows, s.stride, panels.data(), bias.data(), floor.data(), s.n_panels,
                row_value.data(), row_index.data(), value.data(), index.data(), ptr.data(), 3});
  CHECK(ptr[0] == 3);
  for (int64_t r = 0; r < s.rows; ++r) {
    auto q = static_cast<size_t>(ptr[static_cast<size_t>(r)] - 3);
    const auto end = static_cast<size_t>(ptr[static_cast<size_t>(r) + 1] - 3);
    for (int64_t j = 0; j < latents; ++j) {
      double h = bias[static_cast<size_t>(j)], size = std::fabs(h);
      for (int64_t k = 0; k < s.stride; ++k) {
        const double t = rounded(x[static_cast<size_t>(r * s.stride + k)]) *
                         rounded(w[static_cast<size_t>(j * s.stride + k)]);
        h += t;
        size += std::fabs(t);
      }
      // Two roundings a step, each at most 2⁻²⁴ of sums that are no larger than `size`.
      const double tolerance = static_cast<double>(s.stride + 1) * 0x1p-24 * size;
      const bool listed = q < end && index[q] == j;
      const double found = listed ? value[q] : static_cast<double>(s.floor);
      if (std::fabs(found - std::fmax(h, static_cast<double>(s.floor))) > tolerance) {
        test::fail(__FILE__, __LINE__,
                   std::string(half.name) + ": row " + std::to_string(r) + ", latent " + std::to_string(j) +
                       ": " + std::to_string(found) + ", expected " + std::to_string(h));
        return;
      }
      q += listed;
    }
    CHECK(q == end);
  }
}

}  // namespace

TEST(every_way_to_multiply_bfloat16_agrees_with_the_rounded_operands) {
  for (Level level : available_levels()) {
    int n = 0;
    const HalfEncoder* ways = half_encoders(level, &n);
    for (int i = 0; i < n; ++i) {
      for (const Shape& s : {Shape{1, 16, 1, 0}, Shape{13, 48, 3, 0}, Shape{33, 64, 2, 4},
                             Shape{96, 112, 5, -3}, Shape{31, 784, 1, 30}})
        check_segment(ways[i], s);
    }
  }
}

TEST(a_level_without_products_of_bfloat16_says_what_is_needed) {
  int n = 0;
  for (Level level : available_levels()) {
    half_encoders(level, &n);
    if (n > 0) {
      CHECK(half_encoder(level).group > 0);
    } else {
      CHECK_THROWS(half_encoder(level), Code::kUnsupported);
    }
  }
}

}  // namespace saev

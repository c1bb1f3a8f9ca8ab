#include "kernels/cpu/half_rows.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "test/check.h"

namespace {

using saev::Level;

bool is_nan16(uint16_t bits, uint16_t infinity) {
  return (bits & 0x7fff) > infinity;
}

/// float32 values around every edge: each 16-bit value, what lies half way to its neighbour, one unit either
/// side of that, and bits at random.
std::vector<float> edges(saev::WidenRow widen) {
  std::vector<float> out;
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const auto bits = static_cast<uint16_t>(half);
    const auto next = static_cast<uint16_t>(half + 1);
    float a = 0, b = 0;
    widen(&bits, 1, &a);
    widen(&next, 1, &b);
    out.push_back(a);
    const float middle = a + (b - a) / 2;
    if (!std::isfinite(middle)) continue;
    for (const float x : {middle, std::nextafter(middle, a), std::nextafter(middle, b)}) out.push_back(x);
  }
  uint32_t state = 1;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 1664525 + 1013904223;
    out.push_back(std::bit_cast<float>(state ^ (state >> 15)));
  }
  for (const float x : {65504.F, 65519.996F, 65520.F, -65520.F, 65536.F, 1e30F, 3.3895314e38F, 3.3961775e38F,
                        std::numeric_limits<float>::max(), std::numeric_limits<float>::infinity(),
                        std::numeric_limits<float>::denorm_min(), 0x1p-25F, 0x1.000002p-25F})
    out.push_back(x);
  return out;
}

void check(saev::WidenRow (*widen)(Level), saev::NarrowRow (*narrow)(Level), at::ScalarType type,
           uint16_t infinity) {
  std::vector<uint16_t> all(0x10000);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  const auto n = static_cast<int64_t>(all.size());
  // libtorch's own conversions say what is right.
  const at::Tensor wide = at::from_blob(all.data(), {n}, at::TensorOptions(type)).to(at::kFloat);
  const std::vector<float> values = edges(widen(Level::kPlain));
  const auto m = static_cast<int64_t>(values.size());
  const at::Tensor slim = at::from_blob(const_cast<float*>(values.data()), {m}, at::kFloat).to(type);
  const auto* expected = static_cast<const uint16_t*>(slim.const_data_ptr());
  std::vector<Level> levels = saev::available_levels();
  levels.push_back(Level::kPlain);
  for (const Level level : levels) {
    std::vector<float> out(all.size());
    widen(level)(all.data(), n, out.data());
    for (size_t i = 0; i < all.size(); ++i) {
      const float want = wide.const_data_ptr<float>()[i];
      CHECK(std::isnan(want) ? std::isnan(out[i])
                             : std::bit_cast<uint32_t>(out[i]) == std::bit_cast<uint32_t>(want));
    }
    std::vector<uint16_t> halves(values.size());
    int64_t first = -1;
    for (size_t i = 0; i < values.size() && first < 0; ++i) {
      if (std::isfinite(values[i]) && (expected[i] & 0x7fff) == infinity) first = static_cast<int64_t>(i);
    }
    CHECK(narrow(level)(values.data(), m, halves.data()) == first);
    for (size_t i = 0; i < values.size(); ++i) {
      CHECK(is_nan16(expected[i], infinity) ? is_nan16(halves[i], infinity) : halves[i] == expected[i]);
    }
    // Lengths that fill no vector.
    for (int64_t length = 0; length < 40; ++length) {
      std::vector<float> x(static_cast<size_t>(length), 1.5F);
      std::vector<uint16_t> half(static_cast<size_t>(length) + 1, 0xbeef);
      CHECK(narrow(level)(x.data(), length, half.data()) == -1);
      CHECK(half[static_cast<size_t>(length)] == 0xbeef);
      std::vector<float> back(static_cast<size_t>(length) + 1, 7.F);
      widen(level)(half.data(), length, back.data());
      for (int64_t i = 0; i < length; ++i) CHECK(back[static_cast<size_t>(i)] == 1.5F);
      CHECK(back[static_cast<size_t>(length)] == 7.F);
      if (length == 0) continue;
      x.back() = -std::numeric_limits<float>::max();
      CHECK(narrow(level)(x.data(), length, half.data()) == length - 1);
    }
  }
}

}  // namespace

TEST(half_rows_float16_levels_agree_with_libtorch) {
  check(saev::widen_float16, saev::narrow_float16, at::kHalf, 0x7c00);
}

TEST(half_rows_bfloat16_levels_agree_with_libtorch) {
  check(saev::widen_bfloat16, saev::narrow_bfloat16, at::kBFloat16, 0x7f80);
}

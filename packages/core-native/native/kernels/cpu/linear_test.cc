#include "kernels/cpu/linear.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "test/check.h"
#include "test/random.h"

namespace {

using saev::Epilogue;
using saev::Gelu;
using saev::LinearLayer;
using saev::Precision;

// Float32 sums of n products of numbers up to 1, in one order, against float64: √n roundings of 6e-8, with
// room. GELU and SwiGLU add their own 6e-7 of their result, residuals nothing.
double tolerance(int64_t n_in) {
  return 1e-6 + 4e-7 * std::sqrt(static_cast<double>(n_in));
}
// What is put out as bfloat16 is rounded to 8 bits: half a unit of the last of them.
constexpr double kBfloat16Rounding = 1.0 / 256;

struct Case {
  int64_t rows, n_in, n_out;
};

std::vector<float> rounded(std::vector<float> v, Precision precision) {
  if (precision == Precision::kBfloat16) {
    for (float& x : v) x = saev::from_bfloat16(saev::to_bfloat16(x));
  }
  return v;
}

std::vector<float> random(int64_t n, uint64_t seed, float size) {
  std::vector<float> v(static_cast<size_t>(n));
  saev::test::Random r(seed);
  for (float& x : v) x = size * static_cast<float>(2 * r.uniform() - 1);
  return v;
}

/// Largest difference from the reference, over what the tolerance allows.
double excess(const Case& c, Epilogue epilogue, Gelu gelu, Precision precision, saev::Level level) {
  const int64_t w_rows = epilogue == Epilogue::kSwiglu ? 2 * c.n_out : c.n_out;
  const auto weight =
      rounded(random(w_rows * c.n_in, 1, 1.f / std::sqrt(static_cast<float>(c.n_in))), precision);
  const auto bias = random(w_rows, 2, 1), scale = random(c.n_out, 3, 1);
  const auto in = rounded(random(c.rows * c.n_in, 4, 2), precision);
  LinearLayer layer{weight.data(), bias.data(), epilogue == Epilogue::kResidual ? scale.data() : nullptr,
                    c.n_in,        c.n_out,     epilogue,
                    gelu};
  std::vector<float> expected = random(c.rows * c.n_out, 5, 1);
  const std::vector<float> before = expected;
  saev::linear_reference(layer, in.data(), c.rows, expected.data());

  const bool half = precision == Precision::kBfloat16;
  const int64_t stride = saev::padded_stride(c.n_in, half ? 2 : 4), out_stride = c.n_out + 3;
  std::vector<float> in32(static_cast<size_t>(c.rows * stride));
  std::vector<uint16_t> in16(in32.size());
  for (int64_t r = 0; r < c.rows; ++r) {
    for (int64_t k = 0; k < c.n_in; ++k) {
      in32[r * stride + k] = in[r * c.n_in + k];
      in16[r * stride + k] = saev::to_bfloat16(in[r * c.n_in + k]);
    }
  }
  const bool half_out = half && (epilogue == Epilogue::kGelu || epilogue == Epilogue::kSwiglu);
  constexpr float kUntouched = 7;
  std::vector<float> out32(static_cast<size_t>(c.rows * out_stride), kUntouched);
  std::vector<uint16_t> out16(out32.size(), saev::to_bfloat16(kUntouched));
  for (int64_t r = 0; r < c.rows; ++r) {
    for (int64_t j = 0; j < c.n_out; ++j) out32[r * out_stride + j] = before[r * c.n_out + j];
  }
  const auto packed = saev::pack_linear(layer, precision, level);
  saev::linear(packed, {half ? nullptr : in32.data(), half ? in16.data() : nullptr, stride}, c.rows,
               {half_out ? nullptr : out32.data(), half_out ? out16.data() : nullptr, out_stride});
  double worst = 0;
  for (int64_t r = 0; r < c.rows; ++r) {
    for (int64_t j = 0; j < out_stride; ++j) {
      const double found =
          half_out ? saev::from_bfloat16(out16[r * out_stride + j]) : out32[r * out_stride + j];
      if (j >= c.n_out) {
        if (found != kUntouched) return INFINITY;
        continue;
      }
      const double wanted = expected[r * c.n_out + j], size = std::max(1.0, std::fabs(wanted));
      const double allowed = size * (tolerance(c.n_in) + (half_out ? kBfloat16Rounding : 0));
      const double off = std::fabs(found - wanted) / allowed;
      worst = std::isnan(off) ? INFINITY : std::max(worst, off);
    }
  }
  return worst;
}

}  // namespace

TEST(linear_levels_agree_with_the_formula) {
  const std::vector<Case> cases = {{1, 1, 1},       {5, 7, 3},      {13, 48, 33},   {97, 64, 64},
                                   {24, 33, 100},   {200, 40, 300}, {12, 2100, 40}, {31, 1025, 17},
                                   {100, 520, 400}, {1540, 3, 790}};
  const std::vector<std::pair<Epilogue, Gelu>> kinds = {
      {Epilogue::kBias, Gelu::kErf},   {Epilogue::kGelu, Gelu::kErf},   {Epilogue::kGelu, Gelu::kTanh},
      {Epilogue::kGelu, Gelu::kQuick}, {Epilogue::kSwiglu, Gelu::kErf}, {Epilogue::kResidual, Gelu::kErf}};
  int compared = 0;
  for (const saev::Level level : saev::available_levels()) {
    for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
      if (!saev::can_pack(precision, level)) continue;
      for (const auto& [epilogue, gelu] : kinds) {
        for (const Case& c : cases) {
          ++compared;
          const double found = excess(c, epilogue, gelu, precision, level);
          if (found <= 1) continue;
          saev::test::fail(__FILE__, __LINE__,
                           std::string(saev::level_name(level)) +
                               (precision == Precision::kBfloat16 ? " bfloat16" : " float32") +
                               ", epilogue " + std::to_string(static_cast<int>(epilogue)) + ", " +
                               std::to_string(c.rows) + " × " + std::to_string(c.n_in) + " × " +
                               std::to_string(c.n_out) + ": " + std::to_string(found) +
                               " times the tolerance");
        }
      }
    }
  }
  CHECK(compared > 0 || saev::available_levels().size() == 1);
}

TEST(linear_results_do_not_depend_on_the_number_of_rows) {
  const int64_t n_in = 1100, n_out = 70, rows = 150;
  const auto weight = random(n_in * n_out, 1, 1), in = random(rows * n_in, 2, 1);
  for (const saev::Level level : saev::available_levels()) {
    if (!saev::can_pack(Precision::kFloat32, level)) continue;
    LinearLayer layer;
    layer.weight = weight.data();
    layer.n_in = n_in;
    layer.n_out = n_out;
    const auto packed = saev::pack_linear(layer, Precision::kFloat32, level);
    std::vector<float> all(rows * n_out), one(n_out);
    auto* x = const_cast<float*>(in.data());
    saev::linear(packed, {x, nullptr, n_in}, rows, {all.data(), nullptr, n_out});
    for (const int64_t r : {int64_t{0}, int64_t{11}, int64_t{96}, rows - 1}) {
      saev::linear(packed, {x + r * n_in, nullptr, n_in}, 1, {one.data(), nullptr, n_out});
      CHECK(std::equal(one.begin(), one.end(), all.begin() + r * n_out));
    }
  }
}

TEST(linear_refuses_what_the_machine_has_not) {
  LinearLayer layer;
  const float one = 1;
  layer.weight = &one;
  layer.n_in = layer.n_out = 1;
  CHECK_THROWS(saev::pack_linear(layer, Precision::kFloat32, saev::Level::kPlain), saev::Code::kUnsupported);
  CHECK_THROWS(saev::pack_linear(layer, Precision::kBfloat16, saev::Level::kAvx2), saev::Code::kUnsupported);
}

TEST(bfloat16_rounds_to_the_nearest_and_keeps_nan) {
  CHECK(saev::to_bfloat16(1.f) == 0x3f80);
  CHECK(saev::to_bfloat16(1.00390625f) == 0x3f80);  // a tie, to even
  CHECK(saev::to_bfloat16(1.01171875f) == 0x3f82);  // a tie, to even
  CHECK(saev::to_bfloat16(-1.005f) == 0xbf81);
  CHECK(std::isinf(saev::from_bfloat16(saev::to_bfloat16(INFINITY))));
  CHECK(std::isnan(saev::from_bfloat16(saev::to_bfloat16(NAN))));
}

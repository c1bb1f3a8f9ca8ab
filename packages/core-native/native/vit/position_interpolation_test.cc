#include "vit/position_interpolation.h"

#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bicubic2d.h>

#include <cmath>

#include "core/error.h"
#include "test/check.h"

namespace {

at::Tensor table_of(int64_t side, int64_t d) {
  at::Tensor table = at::empty({side * side, d}, at::kFloat);
  for (int64_t i = 0; i < table.numel(); ++i) {
    table.mutable_data_ptr<float>()[i] = std::sin(static_cast<float>(i) * 0.73f);
  }
  return table;
}

}  // namespace

// PyTorch finds coordinates in float32: at 40 sources off by 2e-6 each, times a slope of the cubic below 3.
TEST(position_interpolation_agrees_with_pytorch) {
  const int64_t side = 37, d = 5;
  const at::Tensor table = table_of(side, d);
  const at::Tensor image = table.view({1, side, side, d}).permute({0, 3, 1, 2});
  const int64_t grids[][2] = {{16, 16}, {12, 16}, {40, 40}, {37, 20}, {1, 90}};
  for (const auto& [rows, columns] : grids) {
    for (const bool antialias : {false, true}) {
      for (const double offset : {0.0, 0.1}) {
        const at::Tensor ours = saev::interpolate_positions(
            table, {.rows = rows, .columns = columns, .antialias = antialias, .offset = offset});
        const auto scale = [&](int64_t size) -> std::optional<double> {
          if (offset == 0) return std::nullopt;
          return (static_cast<double>(size) + offset) / static_cast<double>(side);
        };
        const at::Tensor theirs =
            antialias ? at::_upsample_bicubic2d_aa(image, {rows, columns}, false, scale(rows), scale(columns))
                      : at::upsample_bicubic2d(image, {rows, columns}, false, scale(rows), scale(columns));
        const at::Tensor flat = theirs.permute({0, 2, 3, 1}).reshape({rows * columns, d});
        double worst = 0;
        for (int64_t i = 0; i < ours.numel(); ++i) {
          worst = std::max(
              worst, std::fabs(double{ours.const_data_ptr<float>()[i]} - flat.const_data_ptr<float>()[i]));
        }
        if (!(worst < 1e-5)) {
          saev::test::fail(__FILE__, __LINE__,
                           std::to_string(rows) + " × " + std::to_string(columns) +
                               (antialias ? " antialiased" : "") + ": off by " + std::to_string(worst));
        }
      }
    }
  }
}

TEST(position_interpolation_refuses) {
  const auto refuses = [](const at::Tensor& table, const saev::PositionInterpolation& to) {
    try {
      saev::interpolate_positions(table, to);
    } catch (const saev::Error& error) {
      return error.code() == saev::Code::kInvalidArgument;
    }
    return false;
  };
  const at::Tensor table = table_of(3, 2);
  CHECK(refuses(table.narrow(0, 0, 8), {.rows = 2, .columns = 2}));
  CHECK(refuses(table, {.rows = 0, .columns = 2}));
  CHECK(refuses(table, {.rows = 2, .columns = 1 << 20}));
  CHECK(refuses(table, {.rows = 2, .columns = 2, .offset = 1}));
  CHECK(refuses(table, {.rows = 2, .columns = 2, .offset = NAN}));
}

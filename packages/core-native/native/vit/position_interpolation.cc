#include "vit/position_interpolation.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"

namespace saev {
namespace {

/// One target's share of the sources, along one side.
struct Taps {
  std::vector<int64_t> index;
  std::vector<double> weight;
};

/// Keys' cubic convolution kernel.
double cubic(double x, double a) {
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// Four sources around each target; beyond the edge the outermost stands in.
Taps plain(int64_t target, int64_t side, double step) {
  const double at = (static_cast<double>(target) + 0.5) * step - 0.5;
  const double below = std::floor(at);
  Taps taps;
  for (int64_t k = -1; k <= 2; ++k) {
    taps.index.push_back(std::clamp(static_cast<int64_t>(below) + k, int64_t{0}, side - 1));
    taps.weight.push_back(cubic(at - below - static_cast<double>(k), -0.75));
  }
  return taps;
}

/// The sources under a kernel as wide as a target at least; weights add up to 1, also at the edge.
Taps antialiased(int64_t target, int64_t side, double step) {
  const double wide = std::max(step, 1.0), support = 2 * wide;
  const double centre = (static_cast<double>(target) + 0.5) * step;
  const auto from = std::max(static_cast<int64_t>(centre - support + 0.5), int64_t{0});
  const auto to = std::min(static_cast<int64_t>(centre + support + 0.5), side);
  Taps taps;
  double total = 0;
  for (int64_t i = from; i < to; ++i) {
    taps.index.push_back(i);
    taps.weight.push_back(cubic((static_cast<double>(i) + 0.5 - centre) / wide, -0.5));
    total += taps.weight.back();
  }
  for (double& weight : taps.weight) weight /= total;
  return taps;
}

std::vector<Taps> taps_of(int64_t side, int64_t targets, const PositionInterpolation& to) {
  // PyTorch's antialiased resize leaves a side alone whose size stays, whatever the scale.
  const double offset = to.antialias && targets == side ? 0 : to.offset;
  const double step = static_cast<double>(side) / (static_cast<double>(targets) + offset);
  std::vector<Taps> taps;
  for (int64_t target = 0; target < targets; ++target) {
    taps.push_back((to.antialias ? antialiased : plain)(target, side, step));
  }
  return taps;
}

}  // namespace

at::Tensor interpolate_positions(const at::Tensor& table, const PositionInterpolation& to) {
  const auto wrong = [](const std::string& text) {
    throw Error(Code::kInvalidArgument, "positions: " + text);
  };
  if (table.dim() != 2 || table.scalar_type() != at::kFloat) wrong("expected float32 [side · side, d]");
  const int64_t n = table.size(0), d = table.size(1);
  const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(n))));
  if (n < 1 || side * side != n) wrong("expected a square number of them, found " + std::to_string(n));
  if (to.rows < 1 || to.columns < 1 || to.rows > 4096 || to.columns > 4096) {
    wrong("expected a grid of 1 to 4096 patches a side, found " + std::to_string(to.rows) + " × " +
          std::to_string(to.columns));
  }
  if (!(to.offset >= 0 && to.offset < 1)) wrong("expected an offset from 0 to below 1");
  const at::Tensor source = table.contiguous();
  const std::vector<Taps> down = taps_of(side, to.rows, to), across = taps_of(side, to.columns, to);
  at::Tensor out = at::empty({to.rows * to.columns, d}, at::kFloat);
  const float* const from = source.const_data_ptr<float>();
  float* write = out.mutable_data_ptr<float>();
  std::vector<double> sum(d);
  for (const Taps& row : down) {
    for (const Taps& column : across) {
      std::fill(sum.begin(), sum.end(), 0.0);
      for (size_t i = 0; i < row.index.size(); ++i) {
        for (size_t j = 0; j < column.index.size(); ++j) {
          const double weight = row.weight[i] * column.weight[j];
          const float* const position = from + (row.index[i] * side + column.index[j]) * d;
          for (int64_t c = 0; c < d; ++c) sum[c] += weight * position[c];
        }
      }
      for (int64_t c = 0; c < d; ++c) *write++ = static_cast<float>(sum[c]);
    }
  }
  return out;
}

}  // namespace saev

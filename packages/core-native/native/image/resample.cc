#include "image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "core/error.h"
#include "kernels/cpu/resample_rows.h"

namespace saev {
namespace {

double half_width(Filter filter) {
  return filter == Filter::kBicubic ? 2.0 : 1.0;
}

double weight(Filter filter, double x) {
  x = std::fabs(x);
  if (filter == Filter::kBilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

ResampleAxis axis_of(const Coefficients& c) {
  return {c.first.data(), c.count.data(), c.weights.data(), c.taps, static_cast<int64_t>(c.first.size())};
}

void copy_window(const uint8_t* src, int64_t width, const Window& window, uint8_t* dst) {
  for (int64_t y = 0; y < window.height; ++y) {
    std::memcpy(dst + y * window.width * 3, src + ((window.y + y) * width + window.x) * 3,
                static_cast<size_t>(window.width * 3));
  }
}

}  // namespace

Taps<double> exact_coefficients(int64_t in, int64_t out, int64_t begin, int64_t n, Filter filter) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);  // shrinking widens the filter: that is the antialiasing
  const double support = half_width(filter) * stretch;
  Taps<double> c;
  c.taps = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  c.first.resize(static_cast<size_t>(n));
  c.count.resize(static_cast<size_t>(n));
  c.weights.assign(static_cast<size_t>(n * c.taps), 0);
  for (int64_t i = 0; i < n; ++i) {
    const double center = (static_cast<double>(begin + i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const int64_t last = std::min<int64_t>(static_cast<int64_t>(center + support + 0.5), in);
    double* w = c.weights.data() + i * c.taps;
    double total = 0.0;
    for (int64_t k = 0; k < last - first; ++k) {
      // The reciprocal and the order of operations are Pillow's: a quotient rounds differently.
      w[k] = weight(filter, (static_cast<double>(k + first) - center + 0.5) * (1.0 / stretch));
      total += w[k];
    }
    c.first[i] = first;
    c.count[i] = last - first;
    if (total == 0.0) continue;
    for (int64_t k = 0; k < last - first; ++k) w[k] /= total;
  }
  return c;
}

Coefficients coefficients(int64_t in, int64_t out, int64_t begin, int64_t n, Filter filter) {
  Taps<double> exact = exact_coefficients(in, out, begin, n, filter);
  Coefficients c{exact.taps, std::move(exact.first), std::move(exact.count), {}};
  c.weights.reserve(exact.weights.size());
  for (const double w : exact.weights) {
    c.weights.push_back(static_cast<int32_t>((w < 0 ? -0.5 : 0.5) + w * (1 << kResampleBits)));
  }
  return c;
}

namespace {

void check_resize(int64_t height, int64_t width, int64_t out_height, int64_t out_width,
                  const Window& window) {
  if (height < 1 || width < 1 || out_height < 1 || out_width < 1) {
    throw Error(Code::kInvalidArgument, "resize: sizes must be at least 1, found " + std::to_string(width) +
                                            " × " + std::to_string(height) + " to " +
                                            std::to_string(out_width) + " × " + std::to_string(out_height));
  }
  if (window.x < 0 || window.y < 0 || window.width < 1 || window.height < 1 ||
      window.x > out_width - window.width || window.y > out_height - window.height) {
    throw Error(Code::kInvalidArgument, "resize: the window does not lie inside the resized image");
  }
}

}  // namespace

void resize_rgb(const uint8_t* src, int64_t height, int64_t width, int64_t out_height, int64_t out_width,
                Filter filter, const Window& window, uint8_t* dst) {
  check_resize(height, width, out_height, out_width, window);
  const bool along_x = width != out_width, along_y = height != out_height;
  if (!along_x && !along_y) return copy_window(src, width, window, dst);
  const Level level = active_level();
  Coefficients rows;
  int64_t first_row = window.y, n_rows = window.height;
  if (along_y) {
    rows = coefficients(height, out_height, window.y, window.height, filter);
    first_row = rows.first.front();
    n_rows = rows.first.back() + rows.count.back() - first_row;
  }
  std::vector<uint8_t> between;
  uint8_t* narrowed = dst;
  if (along_y) {
    between.resize(static_cast<size_t>(n_rows * window.width * 3));
    narrowed = between.data();
  }
  if (along_x) {
    const auto columns = coefficients(width, out_width, window.x, window.width, filter);
    SAEV_PICK(level, resample_horizontal)
    (src + first_row * width * 3, n_rows, width, axis_of(columns), narrowed);
  } else {
    copy_window(src, width, {window.x, first_row, window.width, n_rows}, narrowed);
  }
  if (along_y) {
    SAEV_PICK(level, resample_vertical)(narrowed, window.width * 3, first_row, axis_of(rows), dst);
  }
}

void resize_rgb_unrounded(const uint8_t* src, int64_t height, int64_t width, int64_t out_height,
                          int64_t out_width, Filter filter, const Window& window, const float* value,
                          float* dst) {
  check_resize(height, width, out_height, out_width, window);
  // An axis that keeps its size gets one weight of 1 an output, which changes nothing.
  const auto columns = exact_coefficients(width, out_width, window.x, window.width, filter);
  const auto rows = exact_coefficients(height, out_height, window.y, window.height, filter);
  const int64_t first_row = rows.first.front(), n_rows = rows.first.back() + rows.count.back() - first_row;
  const int64_t stride = window.width * 3;
  std::vector<float> between(static_cast<size_t>(n_rows * stride));
  for (int64_t y = 0; y < n_rows; ++y) {
    const uint8_t* row = src + (first_row + y) * width * 3;
    float* out = between.data() + y * stride;
    for (int64_t x = 0; x < window.width; ++x) {
      const uint8_t* in = row + columns.first[x] * 3;
      const double* w = columns.weights.data() + x * columns.taps;
      double sum[3] = {0, 0, 0};
      for (int64_t k = 0; k < columns.count[x]; ++k) {
        for (int64_t c = 0; c < 3; ++c) sum[c] += static_cast<double>(value[in[3 * k + c]]) * w[k];
      }
      for (int64_t c = 0; c < 3; ++c) out[3 * x + c] = static_cast<float>(sum[c]);
    }
  }
  std::vector<double> sums(static_cast<size_t>(stride));
  for (int64_t y = 0; y < window.height; ++y) {
    const float* in = between.data() + (rows.first[y] - first_row) * stride;
    const double* w = rows.weights.data() + y * rows.taps;
    std::fill(sums.begin(), sums.end(), 0.0);
    for (int64_t k = 0; k < rows.count[y]; ++k, in += stride) {
      for (int64_t i = 0; i < stride; ++i) sums[i] += static_cast<double>(in[i]) * w[k];
    }
    for (int64_t i = 0; i < stride; ++i) dst[y * stride + i] = static_cast<float>(sums[i]);
  }
}

}  // namespace saev

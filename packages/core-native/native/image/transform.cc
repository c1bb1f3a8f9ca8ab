#include "image/transform.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"

namespace saev {
namespace {

/// Python's round(): half to even.
int64_t round_half_even(double x) {
  return static_cast<int64_t>(std::nearbyint(x));
}

struct Size {
  int64_t height, width;
};

Size resized_size(int64_t height, int64_t width, const Transform& t) {
  const auto h = static_cast<double>(height), w = static_cast<double>(width);
  switch (t.mode) {
    case ResizeMode::kSquash:
      return {t.resize_height, t.resize_width};
    case ResizeMode::kShortest: {
      if (t.resize_height == t.resize_width) {
        // torchvision truncates the longer side: int(size * long / short), a product of whole numbers first.
        const int64_t size = t.resize_height, side = std::min(height, width),
                      longer = std::max(height, width);
        const auto long_side =
            static_cast<int64_t>(static_cast<double>(size * longer) / static_cast<double>(side));
        return height <= width ? Size{size, long_side} : Size{long_side, size};
      }
      const double ratio =
          std::min(h / static_cast<double>(t.resize_height), w / static_cast<double>(t.resize_width));
      return {round_half_even(h / ratio), round_half_even(w / ratio)};
    }
    case ResizeMode::kLongest: {
      const double ratio =
          std::max(h / static_cast<double>(t.resize_height), w / static_cast<double>(t.resize_width));
      return {std::max<int64_t>(round_half_even(h / ratio), 1),
              std::max<int64_t>(round_half_even(w / ratio), 1)};
    }
  }
  throw Error(Code::kInternal, "an unknown resize mode");
}

/// Where `wanted` samples lie centred in `found`; `pad` of them before the first when too few are there.
struct Span {
  int64_t from, pad, length;
};

Span centre(int64_t found, int64_t wanted, bool down) {
  if (found < wanted) return {0, (wanted - found + (down ? 1 : 0)) / 2, found};
  if (down) return {(found - wanted) / 2, 0, wanted};
  return {round_half_even(static_cast<double>(found - wanted) / 2.0), 0, wanted};
}

/// How large the image becomes, and what of it is used.
struct Plan {
  Size size;
  Span rows, columns;
  Window window() const { return {columns.from, rows.from, columns.length, rows.length}; }
};

Plan plan_of(int64_t height, int64_t width, const Transform& t) {
  check_transform(t);
  if (height < 1 || width < 1) throw Error(Code::kInvalidArgument, "transform: the image has no pixels");
  const Size size = resized_size(height, width, t);
  if (size.height > (int64_t{1} << 24) || size.width > (int64_t{1} << 24)) {
    throw Error(Code::kInvalidArgument,
                "transform: an image of " + std::to_string(width) + " × " + std::to_string(height) +
                    " pixels is too narrow to be resized to " + std::to_string(t.resize_width) + " × " +
                    std::to_string(t.resize_height));
  }
  return {size, centre(size.height, t.height, t.crop_down), centre(size.width, t.width, t.crop_down)};
}

float scaled(const Transform& t, int byte) {
  const auto value = static_cast<float>(byte);
  return t.reciprocal ? value * (1 / 255.0f) : value / 255.0f;
}

}  // namespace

void check_transform(const Transform& t) {
  if (t.height < 1 || t.width < 1 || t.resize_height < 1 || t.resize_width < 1 || t.height > 16384 ||
      t.width > 16384 || t.resize_height > 16384 || t.resize_width > 16384) {
    throw Error(Code::kInvalidArgument, "transform: sizes must lie between 1 and 16384");
  }
  for (const float s : t.std) {
    if (!(s > 0)) throw Error(Code::kInvalidArgument, "transform: every std must be above 0");
  }
}

void resize_and_crop(const uint8_t* src, int64_t height, int64_t width, const Transform& t, uint8_t* dst) {
  const Plan plan = plan_of(height, width, t);
  const auto& [size, rows, columns] = plan;
  const Window window = plan.window();
  if (rows.length == t.height && columns.length == t.width) {
    return resize_rgb(src, height, width, size.height, size.width, t.filter, window, dst);
  }
  std::vector<uint8_t> inner(static_cast<size_t>(rows.length * columns.length * 3));
  resize_rgb(src, height, width, size.height, size.width, t.filter, window, inner.data());
  std::memset(dst, 0, static_cast<size_t>(t.height * t.width * 3));
  for (int64_t y = 0; y < rows.length; ++y) {
    std::memcpy(dst + ((rows.pad + y) * t.width + columns.pad) * 3, inner.data() + y * columns.length * 3,
                static_cast<size_t>(columns.length * 3));
  }
}

void normalise(const uint8_t* src, const Transform& t, float* dst) {
  std::array<std::array<float, 256>, 3> table;
  for (int c = 0; c < 3; ++c) {
    for (int v = 0; v < 256; ++v) {
      table[c][v] = (scaled(t, v) - t.mean[c]) / t.std[c];
    }
  }
  const int64_t n = t.height * t.width;
  for (int64_t i = 0; i < n; ++i) {
    dst[i] = table[0][src[3 * i]];
    dst[n + i] = table[1][src[3 * i + 1]];
    dst[2 * n + i] = table[2][src[3 * i + 2]];
  }
}

void preprocess(const uint8_t* src, int64_t height, int64_t width, const Transform& t, float* dst) {
  const int64_t n = t.height * t.width;
  if (!t.unrounded) {
    std::vector<uint8_t> cropped(static_cast<size_t>(n * 3));
    resize_and_crop(src, height, width, t, cropped.data());
    return normalise(cropped.data(), t, dst);
  }
  const Plan plan = plan_of(height, width, t);
  const auto& [size, rows, columns] = plan;
  std::array<float, 256> value;
  for (int v = 0; v < 256; ++v) value[v] = scaled(t, v);
  std::vector<float> inner(static_cast<size_t>(rows.length * columns.length * 3));
  resize_rgb_unrounded(src, height, width, size.height, size.width, t.filter, plan.window(), value.data(),
                       inner.data());
  for (int c = 0; c < 3; ++c) {
    std::fill(dst + c * n, dst + (c + 1) * n, -t.mean[c] / t.std[c]);
    for (int64_t y = 0; y < rows.length; ++y) {
      float* to = dst + c * n + (rows.pad + y) * t.width + columns.pad;
      const float* from = inner.data() + y * columns.length * 3 + c;
      for (int64_t x = 0; x < columns.length; ++x) to[x] = (from[3 * x] - t.mean[c]) / t.std[c];
    }
  }
}

}  // namespace saev

#pragma once
// Pillow's `Image.resize` for 8-bit RGB, to the bit: two passes, horizontal first, with coefficients rounded
// to 22 bits of fraction and an 8-bit image in between. torch's antialiased resize differs from it by up to
// two levels, and the models were trained on Pillow's. The order is that of every Pillow up to 12; version 13
// takes the height first when it shrinks much more than the width, which differs by up to two levels.

#include <cstdint>
#include <vector>

namespace saev {

enum class Filter {
  kBilinear,  ///< triangle of half-width 1
  kBicubic,   ///< cubic convolution with a = −0.5, half-width 2
};

/// Part of an image: columns [x, x + width), rows [y, y + height).
struct Window {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// For each output position, which input positions it sums and with what weights.
template <typename Weight>
struct Taps {
  int64_t taps = 0;             ///< most inputs of one output; row stride of `weights`
  std::vector<int64_t> first;   ///< [outputs] first input
  std::vector<int64_t> count;   ///< [outputs] number of inputs
  std::vector<Weight> weights;  ///< [outputs, taps]
};

/// Weights that sum to 1, for outputs [begin, begin + n) of an axis that goes from `in` to `out` samples.
Taps<double> exact_coefficients(int64_t in, int64_t out, int64_t begin, int64_t n, Filter filter);

using Coefficients = Taps<int32_t>;  ///< 1.0 is 2^22

/// The same, rounded.
Coefficients coefficients(int64_t in, int64_t out, int64_t begin, int64_t n, Filter filter);

/// The part `window` of `src` [height, width, 3] resized to `out_height` × `out_width`, written to `dst`
/// [window.height, window.width, 3]. Computes nothing outside the window; an axis whose size stays is copied.
/// Throws Code::kInvalidArgument for sizes below 1 and for a window that is not inside.
void resize_rgb(const uint8_t* src, int64_t height, int64_t width, int64_t out_height, int64_t out_width,
                Filter filter, const Window& window, uint8_t* dst);

/// The same without rounding to bytes in between or at the end, as Pillow resizes images of mode "F": `value`
/// [256] is what a byte stands for, sums are float64, and what lies between the passes and in `dst` is
/// float32.
void resize_rgb_unrounded(const uint8_t* src, int64_t height, int64_t width, int64_t out_height,
                          int64_t out_width, Filter filter, const Window& window, const float* value,
                          float* dst);

}  // namespace saev

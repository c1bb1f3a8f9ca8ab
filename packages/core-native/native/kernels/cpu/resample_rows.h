#pragma once
// The two passes of Pillow's resize (image/resample.h) over rows of 8-bit RGB. All levels give the same
// bytes: sums are whole numbers.

#include <cstdint>

#include "kernels/dispatch.h"

namespace saev {

/// Bits of fraction of a weight: 32 less 8 of the pixel and 2 for overshoot of the bicubic filter.
inline constexpr int kResampleBits = 22;

/// For each output of an axis, which inputs it sums and with what weights; `Coefficients` as plain pointers.
struct ResampleAxis {
  const int64_t *first, *count;  ///< [outputs]
  const int32_t* weights;        ///< [outputs][taps]
  int64_t taps, outputs;
};

/// `src` [rows, width, 3], each row resampled along x, into `dst` [rows, outputs, 3]. Reads nothing beyond
/// `src`.
SAEV_DECLARE_KERNEL(void, resample_horizontal,
                    (const uint8_t* src, int64_t rows, int64_t width, const ResampleAxis& axis, uint8_t* dst))
/// `src` [.., bytes] begins at input row `first_row`; writes `dst` [outputs, bytes].
SAEV_DECLARE_KERNEL(void, resample_vertical,
                    (const uint8_t* src, int64_t bytes, int64_t first_row, const ResampleAxis& axis,
                     uint8_t* dst))

}  // namespace saev

#include "kernels/cpu/resample_rows.h"

#include <algorithm>

namespace saev::plain {
namespace {

uint8_t to_byte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kResampleBits, 0, 255));
}

}  // namespace

void resample_horizontal(const uint8_t* src, int64_t rows, int64_t width, const ResampleAxis& axis,
                         uint8_t* dst) {
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < axis.outputs; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        int32_t sum = 1 << (kResampleBits - 1);
        for (int64_t k = 0; k < axis.count[x]; ++k) {
          sum += src[(y * width + axis.first[x] + k) * 3 + c] * axis.weights[x * axis.taps + k];
        }
        dst[(y * axis.outputs + x) * 3 + c] = to_byte(sum);
      }
    }
  }
}

void resample_vertical(const uint8_t* src, int64_t bytes, int64_t first_row, const ResampleAxis& axis,
                       uint8_t* dst) {
  for (int64_t y = 0; y < axis.outputs; ++y) {
    for (int64_t i = 0; i < bytes; ++i) {
      int32_t sum = 1 << (kResampleBits - 1);
      for (int64_t k = 0; k < axis.count[y]; ++k) {
        sum += src[(axis.first[y] - first_row + k) * bytes + i] * axis.weights[y * axis.taps + k];
      }
      dst[y * bytes + i] = to_byte(sum);
    }
  }
}

}  // namespace saev::plain

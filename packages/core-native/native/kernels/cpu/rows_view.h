#pragma once
// A matrix that kernels read or write: row-major, in one of two precisions.

#include <cstdint>

namespace saev {

/// What products multiply: float32, or bfloat16 with sums in float32.
enum class Precision { kFloat32, kBfloat16 };

/// Rows of a matrix; exactly one pointer is set.
struct RowsView {
  float* f32 = nullptr;
  uint16_t* bf16 = nullptr;  ///< upper halves of float32 values
  int64_t stride = 0;        ///< elements from one row to the next
};

/// The nearest bfloat16, ties to even; NaN stays NaN.
inline uint16_t to_bfloat16(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  if (x != x) return 0x7fc0;
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float from_bfloat16(uint16_t x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace saev

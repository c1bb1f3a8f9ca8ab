#pragma once
// Residual addition and the layer norm that follows it, in one pass over memory.

#include <cstdint>

#include "kernels/level.h"

namespace saev {

/// For each of `rows` rows of `d` float32:
///   x += scale ⊙ (y + bias)                      unless `y` is null; `scale` and `bias` may be null
///   out = (x − mean(x)) / sqrt(var(x) + eps) ⊙ gain + shift        unless `out` and `out16` are null
/// var is the mean squared deviation. `out` may be `x` itself (the norm replaces x). Nothing needs to be
/// aligned.
struct AddNorm {
  float* x = nullptr;            ///< [rows, d], the residual stream
  const float* y = nullptr;      ///< [rows, d], a branch's output before its bias
  const float* bias = nullptr;   ///< [d]
  const float* scale = nullptr;  ///< [d], LayerScale
  float* out = nullptr;          ///< [rows, d]
  uint16_t* out16 = nullptr;     ///< or, in bfloat16, here; then `out` is null
  int64_t out_stride = 0;        ///< elements from row to row of the output; 0: d
  const float* gain = nullptr;   ///< [d]
  const float* shift = nullptr;  ///< [d]
  float eps = 0;
  int64_t rows = 0, d = 0;
};

/// Runs on all threads; rows are independent, so the result does not depend on how many.
void add_norm(const AddNorm& a, Level level = active_level());

}  // namespace saev

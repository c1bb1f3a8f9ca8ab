#pragma once
// After the decoder: e holds x̂ − x. Returns Σ e², writes the gradient scale · e and adds its column sums.

#include <cstdint>

#include "kernels/dispatch.h"

namespace saev {

struct ResidualArgs {
  const float* e;  ///< [n, width]; 64-byte aligned
  int64_t n;
  int64_t width;       ///< multiple of 16
  float scale;         ///< 2 / (batch · d_vit): the gradient of the mean of squares
  float* gradient;     ///< out: [n, width]
  float* column_sums;  ///< [width] added to
};

SAEV_DECLARE_KERNEL(double, residual, (const ResidualArgs&))

}  // namespace saev

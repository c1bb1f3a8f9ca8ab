#pragma once
// Squared errors at extreme scales.

#include <cstdint>

namespace saev {

/// out = (x̂ − x)² per entry, x and x̂ [rows, dim]: divided by the largest |x| before squaring and multiplied
/// back after, as the Python package does, so that what fits in float32 is not lost on the way. `norm`
/// divides by each row's ‖x‖ and multiplies back once only. Where x is all zero the result is NaN, as there.
void mean_squared_err(const float* x_hat, const float* x, int64_t rows, int64_t dim, bool norm, float* out);

}  // namespace saev

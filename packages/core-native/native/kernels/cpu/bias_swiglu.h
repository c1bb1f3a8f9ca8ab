#pragma once
// Bias and SwiGLU of an MLP's hidden layer, in place, in one pass over memory.

#include <cstdint>

#include "kernels/level.h"

namespace saev {

/// x [rows, 2 hidden] float32: gates, then values, to both of which `bias` [2 hidden] is added. The first
/// half of each row becomes g σ(g) v; the second is left as it was. Off by at most 4e-7 of the result's size
/// and the inputs' rounding. NaN gives NaN. Runs on all threads.
void bias_swiglu(float* x, const float* bias, int64_t rows, int64_t hidden, Level level = active_level());

}  // namespace saev

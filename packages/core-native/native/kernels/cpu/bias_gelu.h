#pragma once
// Bias and GELU of an MLP's hidden layer, in place, in one pass over memory.

#include <cstdint>

#include "kernels/level.h"

namespace saev {

/// Which GELU a model was trained with.
enum class Gelu {
  kErf,    ///< x Φ(x) = x/2 (1 + erf(x/√2))
  kTanh,   ///< x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))
  kQuick,  ///< x σ(1.702 x)
};

const char* gelu_name(Gelu gelu);
/// The formula, in float64.
double gelu_of(double x, Gelu gelu);

/// x = gelu(x + bias) for `rows` rows of `d` float32; `bias` [d]. Off by at most 4e-7 |x| + 1e-37 from the
/// formula (erf is a rational function good to 3.4e-7). Infinities and NaN come out as the formula's limits.
/// Runs on all threads.
void bias_gelu(float* x, const float* bias, int64_t rows, int64_t d, Gelu gelu, Level level = active_level());

}  // namespace saev

#pragma once
// How fast a ViT's products run here: the cores' peak, libtorch's product and ours, in turn.

#include <cstdint>

#include "core/job.h"

namespace saev {

/// GFLOP/s on all threads; 0 for what this machine has not.
struct ProductRates {
  double peak = 0;      ///< multiply-adds in registers, float32
  double library = 0;   ///< libtorch, float32
  double ours = 0;      ///< float32
  double bfloat16 = 0;  ///< ours
};

/// [rows, n_in] × [n_in, n_out], the best of a few rounds in which all run in turn. Throws
/// Code::kInvalidArgument for sizes below 1 or above 2^14.
ProductRates measure_products(int64_t rows, int64_t n_in, int64_t n_out, const Job& job);

}  // namespace saev

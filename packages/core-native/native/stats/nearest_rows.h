#pragma once
// Which rows of a matrix point most in the direction of a given one: neighbours among decoder directions, and
// the latents of two SAEs that match.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/job.h"

namespace saev {

struct NearestRows {
  int64_t rows = 0, k = 0;
  std::vector<int32_t> index;  ///< [rows, k], best first
  std::vector<float> cosine;   ///< [rows, k]
};

/// For each row of `a`, float32 [n, d], the k rows of `b`, float32 [m, d], with the largest cosine; equals by
/// number. A row of zeros, or one that is not finite, has cosine 0 with every other. `skip_self` leaves row i
/// of `b` out for row i of `a`. k is cut to what there is. Memory: unit copies of both, and 512 rows of
/// products. Progress counts rows of a. Throws kShapeMismatch.
NearestRows nearest_rows(const at::Tensor& a, const at::Tensor& b, int64_t k, bool skip_self, const Job& job);

}  // namespace saev

#pragma once
// How alike the rows of a matrix are to each other: of decoder directions, the coherence of a dictionary.

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/job.h"

namespace saev {

struct RowCosines {
  std::vector<float> largest;    ///< [rows] largest cosine with another row; 0 where there is no other
  std::vector<float> magnitude;  ///< [rows] largest |cosine| with another row
};

/// Of `a`, float32 [n, d], with any strides. A row of zeros, or one that is not finite, has cosine 0 with
/// every other. Memory: a unit copy, and 512 rows of products. Progress counts rows. Throws kShapeMismatch.
RowCosines row_cosines(const at::Tensor& a, const Job& job);

}  // namespace saev

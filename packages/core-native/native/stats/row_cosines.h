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
/// every other. Each pair is multiplied once, so that both have the same cosine, within float32 rounding of d
/// terms (1e-5 in the tests). Memory: a unit copy, and a tile of products. Progress counts pairs, as so many
/// rows. Throws kShapeMismatch.
RowCosines row_cosines(const at::Tensor& a, const Job& job);

}  // namespace saev

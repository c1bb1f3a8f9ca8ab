#pragma once

#include <ATen/core/Tensor.h>

namespace saev {

/// A copy of `matrix`, float32 [n, d], whose rows have norm 1, C order. A row of zeros, or one that is not
/// finite, becomes zeros.
at::Tensor unit_rows(const at::Tensor& matrix);

}  // namespace saev

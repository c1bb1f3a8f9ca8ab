#include "sae/newton_schulz.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

namespace saev {
namespace {

constexpr double kTiny = 1e-7;

}  // namespace

void newton_schulz(float* x, int64_t rows, int64_t columns) {
  double squares = 0;
  for (int64_t i = 0; i < rows * columns; ++i) squares += static_cast<double>(x[i]) * x[i];
  const auto inverse = static_cast<float>(1 / std::max(std::sqrt(squares), kTiny));
  for (int64_t i = 0; i < rows * columns; ++i) x[i] *= inverse;
  at::Tensor given = at::from_blob(x, {rows, columns}, at::kFloat);
  // The Gram matrix of the shorter side.
  const bool flipped = rows > columns;
  at::Tensor y = flipped ? given.t() : given;
  for (int i = 0; i < 5; ++i) {
    const at::Tensor gram = at::mm(y, y.t());
    y = at::addmm(y, at::addmm(gram, gram, gram, -4.7750, 2.0315), y, 3.4445, 1);
  }
  given.copy_(flipped ? y.t() : y);
}

}  // namespace saev

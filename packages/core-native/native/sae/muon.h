#pragma once
// Muon for W_enc and W_dec (Jordan et al. 2024): momentum, made orthogonal by a Newton–Schulz iteration, so
// that every direction of a matrix moves alike.
//
//   B ← μ B + G,  U = G + μ B (Nesterov),  X₀ = U / max(‖U‖, ε)
//   X ← a X + (b A + c A²) X with A = X Xᵀ, five times; a, b, c = 3.4445, −4.7750, 2.0315
//   W ← (1 − lr λ) W − lr · 0.2 √max(rows, columns) · X
//
// The factor gives an update the root mean square that Adam's have, so that Adam's learning rates suit it
// (Liu et al. 2025); PyTorch calls it match_rms_adamw. μ = 0.95. Everything is float32 (PyTorch iterates in
// bfloat16). A step costs 5 products of the Gram matrix and of W for each of the two, whatever the density.

#include "sae/params.h"
#include "sae/train_state.h"

namespace saev {

/// One update of both matrices; `gradient` as Adam would get it. W_dec's norms are brought up to date.
void muon_update(TrainState& state, const Params& gradient, double lr, double weight_decay);

}  // namespace saev

#pragma once
// The kinds' part of the backward pass: from ∂L/∂f of one task's active pairs to ∂L/∂h, and to the gradients
// of biases and of parameters of the kind's own.
//
//   relu, top-k …  ∂L/∂h = ∂L/∂f
//   jump-relu      ∂L/∂h = ∂L/∂f where h > θ. The threshold has no gradient of its own: a rectangle of width
//   ε
//                  around it stands for the step's derivative (Rajamanoharan et al. 2024b). Where |h − θ| <
//                  ε/2: ∂f/∂θ = −θ/ε, ∂H(h − θ)/∂θ = −1/ε. θ = exp(t): ∂/∂t = θ ∂/∂θ.
//   gated          m = e^r (h − b_enc) + b_mag, f = relu(m) where h > 0. Through f to m, and so to W_enc, r
//   and
//                  b_mag; through the gate's own reconstruction and penalty to h, and so to W_enc and b_enc
//                  (Rajamanoharan et al. 2024a).

#include <vector>

#include "sae/activation.h"
#include "sae/latent_lists.h"
#include "sae/penalty.h"

namespace saev {

struct PairGradients {
  const LatentLists& lists;
  int64_t n;         ///< latents of the task
  int64_t n_groups;  ///< row groups of the lists
  /// [pairs] in: ∂L/∂f from the reconstruction. Out: what W_enc's gradient gathers with.
  std::vector<float>& df;
  float* along;       ///< [n] += Σ f ∂L/∂f: the gradient of W_dec's row along the row, times its norm squared
  float* b_enc;       ///< [n] += ∂L/∂b_enc
  float* input_sums;  ///< [n] += Σ of what `df` becomes; may be b_enc
};

void relu_gradient(const PairGradients& pairs, const PenaltyTerm& penalty);

/// Pairs with f = 0 are those within ε/2 below the threshold.
struct JumpReluGradient {
  const float* theta;    ///< [n]
  float bandwidth;       ///< ε
  float* log_threshold;  ///< [n] out: ∂L/∂t
};
void jump_relu_gradient(const PairGradients& pairs, const PenaltyTerm& penalty, const JumpReluGradient& jump);

/// The lists hold the gate's h.
struct GatedGradient {
  const float* magnitude;      ///< [pairs] f
  const float* gate_df;        ///< [pairs] ∂L/∂h from the gate's reconstruction
  float penalty;               ///< sparsity_coeff / rows
  const GatedLatent* latents;  ///< [n]
  float *r_mag, *b_mag;        ///< [n] out
};
void gated_gradient(const PairGradients& pairs, const GatedGradient& gated);

}  // namespace saev

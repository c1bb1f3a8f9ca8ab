#pragma once
// What makes latents sparse: a weight times one of these, summed over a row's latents, its mean over rows.

#include <cmath>
#include <cstdint>

namespace saev {

enum class Penalty {
  kL1,    ///< |f|; of a gated SAE relu(h), the gate's pre-activation
  kL0,    ///< H(h − θ): the number of active latents, of jump-relu SAEs, whose thresholds it moves
  kTanh,  ///< tanh(scale · f), a smooth count (Conerly et al. 2025)
};

/// A penalty as the backward pass needs it.
struct PenaltyTerm {
  Penalty form = Penalty::kL1;
  float weight = 0;  ///< sparsity_coeff / rows
  float scale = 0;   ///< of kTanh

  /// ∂/∂f for an active latent.
  float slope(float f) const {
    if (form == Penalty::kL1) return std::copysign(weight, f);
    if (form == Penalty::kL0) return 0;
    const float t = std::tanh(scale * f);
    return weight * scale * (1 - t * t);
  }
};

}  // namespace saev

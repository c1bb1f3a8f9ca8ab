#pragma once
// From pre-activations h to latents f: what an SAE kind is, to the encoder.
//
//   kRelu       f = h where h > 0                                             (Bricken et al. 2023)
//   kTopK       f = h where h is among the top_k largest of its row           (Gao et al. 2024)
//   kJumpRelu   f = h where h > θ, a threshold for each latent                (Rajamanoharan et al. 2024b)
//   kGated      f = relu(e^r (h − b_enc) + b_mag) where h > 0: h decides, with its own bias, which latents
//   are
//               active, e^r and b_mag how strong they are                     (Rajamanoharan et al. 2024a)
//   kBatchTopK  f = h where h is among the top_k · rows largest of the batch  (Bussmann et al. 2024);
//               outside training f = h where h > max(threshold, 0)
//
// Both top-k kinds are published with a ReLU, so fewer may remain; the Python package keeps negative values.

#include <cstdint>

#include "sae/params.h"

namespace saev {

enum class Selection { kRelu, kTopK, kBatchTopK, kJumpRelu, kGated };

struct Activation {
  Selection selection = Selection::kRelu;
  int64_t top_k = 0;     ///< latents kept per row, on average over the batch for kBatchTopK
  bool relu = true;      ///< kept values below 0 become 0
  double threshold = 0;  ///< of kBatchTopK outside training
};

/// Throws Code::kInvalidArgument unless top_k is from 1 to d_sae where it matters, and threshold is finite.
void check_activation(const Activation& activation, int64_t d_sae);

/// Throws Code::kShapeMismatch unless `params` has the parameters that the kind has beside W and b, and no
/// others.
void check_kind(Selection selection, const Params& params);

/// A gated latent's magnitude from its gate's pre-activation.
struct GatedLatent {
  float scale;  ///< e^r
  float gate_bias;
  float magnitude_bias;

  float magnitude(float gate) const {
    const float m = scale * (gate - gate_bias) + magnitude_bias;
    return m > 0 ? m : 0;
  }
};

}  // namespace saev

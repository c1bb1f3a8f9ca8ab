#pragma once
// AuxK (Gao et al. 2024): latents that have not fired for long reconstruct what the others leave over, so
// that they come back to life. The k_aux largest pre-activations among the dead latents of a row are its
// lists; the pre-activations of live latents are not computed again.
//
//   published        L = alpha · mean((Σ relu(a) d − r)²), r = x − x̂ without gradient
//   Python package   L = alpha · mean((Σ a d + b_dec − r)²): no ReLU, and b_dec is added (March 2026)

#include "sae/decode.h"
#include "sae/encode_top_k.h"
#include "sae/train_state.h"

namespace saev {

enum class AuxForm { kPublished, kPythonPackage };

struct AuxK {
  int64_t k = 0;  ///< dead latents per row; 0: no auxiliary loss
  double alpha = 1.0 / 32;
  AuxForm form = AuxForm::kPublished;
};

struct AuxScratch {
  EncodeScratch encode;
  RowTopKScratch top_k;
  DecodeScratch decode;
  ActiveLists lists;          ///< of dead latents, numbered as the SAE's
  AlignedArray<float> w_enc;  ///< the dead latents' rows
  AlignedArray<float> b_enc;  ///<
  AlignedArray<float> error;  ///< gradient of the auxiliary reconstruction, in slices
  AlignedArray<float> column_sums;
};

/// Loss, lists, gradient. `dead` ascends and is not empty; `residual` is x̂ − x times `residual_scale`, in
/// slices; `input` as for the main encoder.
double aux_forward(const TrainState& state, const EncodeInput& input, const std::vector<int32_t>& dead,
                   const AuxK& aux, int64_t segment, const float* residual, float residual_scale,
                   AuxScratch& scratch);

}  // namespace saev

#pragma once
// Adam (Kingma & Ba 2015, algorithm 1, as PyTorch computes it):
//   m ← m + (1 − β₁)(g − m),  v ← β₂ v + (1 − β₂) g²,  w ← w − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
// and before it w ← (1 − lr λ) w with decoupled weight decay λ (AdamW, Loshchilov & Hutter 2019);
// for a vector, for the decoder's rows fused with the removal of the parallel gradient and the norm, and for
// the encoder's rows fused with its share of the gradient of b_dec.

#include <cstdint>

#include "kernels/dispatch.h"

namespace saev {

/// Adam's constants at one step.
struct AdamStep {
  float beta1;
  float beta2;
  float epsilon;
  float one_minus_beta1;
  float one_minus_beta2;
  float step_size;     ///< lr / (1 − β₁ᵗ)
  float inverse_sqrt;  ///< 1 / √(1 − β₂ᵗ)
  float keep = 1;      ///< 1 − lr · weight decay
};

struct AdamVectorArgs {
  float* w;
  float* m;
  float* v;
  const float* g;
  int64_t n;
};

struct AdamDecoderArgs {
  float* w;  ///< first latent's row in slice 0; m and v alike
  float* m;
  float* v;
  int64_t slice_stride;  ///< floats from one slice to the next in w, m, v
  int64_t n_slices;
  int64_t width;          ///< of a slice, multiple of 16
  int64_t n;              ///< latents
  const float* g;         ///< [n_slices][n][width]
  const float* parallel;  ///< [n]: g ← g − parallel[j] · w_j; or null
  float* norm;            ///< [n] out: ‖w_j‖ after the update
  bool normalize;         ///< divide by it
};

struct AdamEncoderArgs {
  float* w;  ///< [n][stride] rows of W_enc; m and v alike
  float* m;
  float* v;
  int64_t stride;         ///< floats of a row, multiple of 16
  int64_t n;              ///< latents
  const float* g;         ///< latent l's slice s at g + s · slice_stride + l · width
  int64_t slice_stride;   ///<
  int64_t width;          ///< of a slice, multiple of 16
  const float* sum;       ///< [n] gradient of b_enc
  float* b_dec_gradient;  ///< [stride] added to: Σ_l sum[l] · w[l], before the update; or null
};

SAEV_DECLARE_KERNEL(void, adam_vector, (const AdamStep&, const AdamVectorArgs&))
SAEV_DECLARE_KERNEL(void, adam_decoder, (const AdamStep&, const AdamDecoderArgs&))
SAEV_DECLARE_KERNEL(void, adam_encoder, (const AdamStep&, const AdamEncoderArgs&))

}  // namespace saev

#pragma once
// One training step of an SAE of any kind, blocked for the caches: everything after the encoder's product
// touches active pairs (row, latent) only, and no rows × d_sae matrix exists, and no gradient matrix but
// where the gradient's norm is clipped.
//
//   encode_kind    tiled product, what the kind keeps to lists                        (kind_encoder.h)
//   decode_error   x̂ − x per row block and prefix, loss, ∂L/∂x̂; of gated also the gate's     (decode.h)
//   aux_forward    the same for dead latents and what the others leave over           (aux_k.h)
//   backward       per task of some latents: lists by latent, ∂L/∂f and ∂L/∂W_dec, the kind's ∂L/∂h
//                  (pair_gradient.h), ∂L/∂W_enc, projection, Adam, norm               (backward_task.h)
//
// ∂L/∂b_dec = Σ_rows ∂L/∂x̂ − Σ_j s_j W_enc[:, j] with s_j = ∂L/∂b_enc[j], which saves the product ∂L/∂h
// W_encᵀ; the second term is there only where the encoder sees x − b_dec. Sums are made per row block and per
// segment of latents, and added in that order: the same bits from run to run, on any number of threads.

#include <vector>

#include "kernels/cpu/rows_view.h"
#include "sae/activation.h"
#include "sae/active_lists.h"
#include "sae/aux_k.h"
#include "sae/blocking.h"
#include "sae/decode.h"
#include "sae/encode.h"
#include "sae/kind_encoder.h"
#include "sae/latent_lists.h"
#include "sae/penalty.h"
#include "sae/train_state.h"

namespace saev {

struct StepOptions {
  double lr = 0;
  double sparsity_coeff = 0;
  bool remove_parallel_grads = true;
  /// An abort ends the step with Code::kAborted while nothing is changed: in the forward pass, and in
  /// gradients where these are made before the first update. An update once begun is finished.
  const Job* job = nullptr;
  bool gradients_first =
      false;  ///< make all gradients, then all updates: the same bits, for two matrices more of memory
  Activation activation = {};
  double momentum =
      0.1;  ///< of BatchTopK's threshold: (1 − momentum) · old + momentum · smallest positive kept
  EncoderInput input = EncoderInput::kCentred;
  std::vector<int64_t> prefixes = {};  ///< Matryoshka: ascending, the last one d_sae; empty: d_sae alone
  /// Rows without firing from which on a latent is dead, in the very step that reaches them; 0: not counted.
  int64_t dead_threshold = 0;
  AuxK aux = {};
  Penalty penalty = Penalty::kL1;  ///< kL0 for jump-relu only
  double tanh_scale = 4;           ///< of kTanh
  double bandwidth = 0.03;         ///< jump-relu: width of the window around a threshold, in units of h
  double weight_decay = 0;         ///< W_enc and W_dec lose this share, times lr, before the update (AdamW)
  double grad_clip = 0;  ///< gradients are scaled by min(1, grad_clip / (norm + 1e-6)); 0: they are not
  Screening screening = Screening::kAuto;  ///< of the encoder's products: the same bits either way
  /// What the encoder's products multiply (kernels/cpu/encode_half.h). Everything else is float32, AuxK's
  /// too.
  Precision encoder_precision = Precision::kFloat32;
};

/// Figures of one batch, before the update.
struct StepMetrics {
  double loss = 0;       ///< mse + sparsity + aux
  double mse = 0;        ///< mean over prefixes, rows and columns of (x̂ − x)²
  double sparsity = 0;   ///< sparsity_coeff · the penalty
  double l0 = 0;         ///< mean over rows of active latents
  double l1 = 0;         ///< mean over rows of Σ |f|
  double density = 0;    ///< l0 / d_sae
  double aux = 0;        ///< auxiliary loss, alpha included; of gated SAEs also the gate's reconstruction
  int64_t n_dead = 0;    ///< dead latents, where they are counted
  double threshold = 0;  ///< BatchTopK's, after this step's forward pass
  double grad_norm = 0;  ///< of all gradients before clipping, where they are clipped
  double screened = -1;  ///< fraction of pairs computed in float32; −1: all of them, without a screen
};

/// Wall milliseconds of the phases of one step; within the backward pass, thread milliseconds over threads.
struct StepTimes {
  double encode = 0, decode = 0, backward = 0;
  double lists = 0, decoder_gradient = 0, encoder_gradient = 0, adam = 0;
};

/// Gradients as given to the optimiser, and W_dec's before the parallel part was removed. `threshold` holds
/// that of log θ.
struct StepGradients {
  Params grads;
  std::vector<float> raw_w_dec;  ///< [d_sae, d_vit]
};

/// Scratch of a step, shared by SAEs of any shape and kept from step to step.
struct StepScratch {
  EncodeScratch encode;
  DecodeScratch decode;
  ActiveLists lists;
  AlignedArray<float> centred;  ///< x − b_dec in slices
  AlignedArray<float> error;    ///< ∂L/∂x̂ in slices
  AlignedArray<float> b_dec_gradient;
  AlignedArray<float> b_enc_gradient;
  RowTopKScratch top_k;
  AuxScratch aux;
  std::vector<uint8_t> fired;         ///< [d_sae] in this batch
  std::vector<int64_t> since_active;  ///< [d_sae] what the state's becomes
  std::vector<int32_t> dead;          ///< ascending
  bool has_aux = false;               ///< whether `aux` holds lists of this batch
  AlignedArray<float> zeros;          ///< [padded_vit]
  KindScratch kind;
  std::vector<AlignedArray<float>> own_gradient;  ///< [padded_sae] of TrainState::own
  AlignedArray<float> encoder_sums;               ///< [padded_sae] of gated SAEs: see PairGradients
  AlignedArray<float> parallel;                   ///< [padded_sae]: g_j · w_j / ‖w_j‖² of W_dec's gradient
  AlignedArray<float> kept_decoder;               ///< gradients of all tasks, where they are clipped
  AlignedArray<float> kept_encoder;               ///< the same; in the forward pass W_enc packed
  StepGradients gradients;                        ///< for Muon, which needs them whole
  std::vector<double> squares;                    ///< [padded_sae] of a latent's gradients
  AlignedArray<float> segment_sums;  ///< per segment of latents: its share of the gradient of b_dec
  struct Worker {
    LatentLists lists, aux;
    std::vector<float> df, aux_df, gate_df, magnitude;
    std::vector<GatedLatent> gated;
    AlignedArray<float> decoder, encoder, partial;
  };
  std::vector<Worker> workers;

  /// Frees the whole gradients of the last step, as large as its SAE's matrices: the next step that needs
  /// them makes room anew.
  void free_gradients() {
    kept_decoder = {};
    kept_encoder = {};
    gradients = {};
  }
};

/// Loss and lists of a batch x [rows, d_vit]; changes nothing but the scratch.
StepMetrics step_forward(const TrainState& state, const float* x, int64_t rows, const StepOptions& options,
                         const Blocking& blocking, StepScratch& scratch, StepTimes* times);

/// Gradients and update, after `step_forward` with the same arguments. Returns the gradients' norm where they
/// are clipped, else 0.
double step_backward(TrainState& state, int64_t rows, const StepOptions& options, const Blocking& blocking,
                     StepScratch& scratch, StepTimes* times, StepGradients* gradients);

/// Both. When the loss is not finite the state is left as it was: look at `loss`.
StepMetrics step(TrainState& state, const float* x, int64_t rows, const StepOptions& options,
                 StepScratch& scratch, StepTimes* times = nullptr, StepGradients* gradients = nullptr);

}  // namespace saev

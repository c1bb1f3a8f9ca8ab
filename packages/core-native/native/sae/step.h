#pragma once
// One training step of a ReLU SAE with the vanilla objective, blocked for the caches: everything after the
// encoder's product touches active pairs (row, latent) only, and no rows × d_sae matrix and no gradient
// matrix exists.
//
//   encode           tiled product, positive sums to lists                        (encode.h)
//   decode_error     x̂ − x per row block, loss, ∂L/∂x̂                             (decode.h)
//   backward         per task of some latents: lists by latent, ∂L/∂f and ∂L/∂W_dec, ∂L/∂W_enc, projection,
//   Adam, norm
//
// ∂L/∂b_dec = Σ_rows ∂L/∂x̂ − Σ_j s_j W_enc[:, j] with s_j = ∂L/∂b_enc[j], which saves the product ∂L/∂h
// W_encᵀ. Sums are made per row block and per segment of latents, and added in that order: the same bits from
// run to run, on any number of threads.

#include <vector>

#include "sae/active_lists.h"
#include "sae/blocking.h"
#include "sae/decode.h"
#include "sae/encode.h"
#include "sae/latent_lists.h"
#include "sae/train_state.h"

namespace saev {

struct StepOptions {
  double lr = 0;
  double sparsity_coeff = 0;
  bool remove_parallel_grads = true;
  const Job* job =
      nullptr;  ///< an abort ends the forward pass with Code::kAborted; an update once begun is finished
};

/// Figures of one batch, before the update.
struct StepMetrics {
  double loss = 0;      ///< mse + sparsity
  double mse = 0;       ///< mean over rows and columns of (x̂ − x)²
  double sparsity = 0;  ///< sparsity_coeff · l1
  double l0 = 0;        ///< mean over rows of active latents
  double l1 = 0;        ///< mean over rows of Σ f
  double density = 0;   ///< l0 / d_sae
};

/// Wall milliseconds of the phases of one step; within the backward pass, thread milliseconds over threads.
struct StepTimes {
  double encode = 0, decode = 0, backward = 0;
  double lists = 0, decoder_gradient = 0, encoder_gradient = 0, adam = 0;
};

/// Gradients as given to Adam, for tests and comparisons, and W_dec's before the parallel part was removed.
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
  AlignedArray<float> segment_sums;  ///< per segment of latents: its share of the gradient of b_dec
  struct Worker {
    LatentLists lists;
    std::vector<float> df, parallel;
    AlignedArray<float> decoder, encoder, partial;
  };
  std::vector<Worker> workers;
};

/// Loss and lists of a batch x [rows, d_vit]; changes nothing but the scratch.
StepMetrics step_forward(const TrainState& state, const float* x, int64_t rows, const StepOptions& options,
                         const Blocking& blocking, StepScratch& scratch, StepTimes* times);

/// Gradients and update, after `step_forward` with the same arguments.
void step_backward(TrainState& state, int64_t rows, const StepOptions& options, const Blocking& blocking,
                   StepScratch& scratch, StepTimes* times, StepGradients* gradients);

/// Both. When the loss is not finite the state is left as it was: look at `loss`.
StepMetrics step(TrainState& state, const float* x, int64_t rows, const StepOptions& options,
                 StepScratch& scratch, StepTimes* times = nullptr, StepGradients* gradients = nullptr);

}  // namespace saev

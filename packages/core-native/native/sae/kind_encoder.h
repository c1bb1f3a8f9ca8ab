#pragma once
// A batch in training → what its kind keeps of the pre-activations, as lists.
//
// A jump-relu SAE's lists also hold the pairs within ε/2 below their threshold, with the value 0: they move
// the threshold. Its floors, one a latent, are put into the bias: h − θ + ε/2 > 0.

#include "sae/activation.h"
#include "sae/decode.h"
#include "sae/encode_top_k.h"
#include "sae/train_state.h"

namespace saev {

struct KindScratch {
  AlignedArray<float> theta;  ///< [padded_sae] jump-relu: the thresholds in this step
  AlignedArray<float> bias;   ///< [padded_sae] jump-relu: b_enc − θ + ε/2
  std::vector<double> sums;   ///< per row block
  /// Gated: the gate's own pairs, with h in place of f, and their reconstruction's gradient.
  struct Gate {
    ActiveLists lists;
    DecodeScratch decode;
    AlignedArray<float> error, column_sums;
  } gate;
};

struct KindOptions {
  Activation activation;
  double momentum = 0.1;
  double bandwidth = 0.03;
  bool screen = false;  ///< see Blocking
};

/// Lists of the batch. Returns BatchTopK's threshold after it, or the state's.
double encode_kind(const TrainState& state, EncodeInput input, const KindOptions& options, int64_t segment,
                   EncodeScratch& scratch, RowTopKScratch& top_k, KindScratch& kind, ActiveLists& lists);

/// Latent j of a gated SAE, b_enc being its gate's bias.
GatedLatent gated_latent(const TrainState& state, int64_t j);

/// Σ tanh(scale · f) over all entries, in block order.
double sum_of_tanh(const ActiveLists& lists, float scale, std::vector<double>& sums);

}  // namespace saev

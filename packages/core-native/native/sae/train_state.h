#pragma once
// Everything of one SAE in training that lasts from step to step: parameters in the kernels' layout, Adam's
// moments, counters.

#include <vector>

#include "core/aligned.h"
#include "sae/encode_top_k.h"
#include "sae/encoder_screen.h"
#include "sae/layout.h"
#include "sae/params.h"

namespace saev {

/// A part of the training state under the name that it has in a checkpoint. A checkpoint holds plain forms,
/// so that it can be read on a machine with other vector registers; values are copied, never changed.
struct StateItem {
  enum class Form {
    kEncoder,  ///< float32, panels ↔ [d_vit, d_sae]
    kDecoder,  ///< float32, slices ↔ [d_sae, d_vit]
    kLatents,  ///< float32 [padded_sae] ↔ [d_sae]
    kDims,     ///< float32 [padded_vit] ↔ [d_vit]
    kCounts,   ///< int64 [d_sae]
    kCount,    ///< one int64
    kFloat,    ///< one float32
    kDouble,   ///< one float64
  };
  const char* name;
  Form form;
  void* data;
};

/// How gradients move the weights.
enum class Optimiser {
  kAdam,  ///< all of them; with weight decay it is AdamW
  kMuon,  ///< W_enc and W_dec by Muon (muon.h), vectors by Adam
};

/// A parameter of a kind's own, one value a latent, with Adam's moments.
struct LatentParameter {
  const char *name, *m_name, *v_name;  ///< in checkpoints
  AlignedArray<float> w, m, v;         ///< [padded_sae]
};

struct TrainState {
  Optimiser optimiser = Optimiser::kAdam;
  Level level = Level::kPlain;
  Layout layout;
  // Muon has no second moments of matrices: these stay empty.
  AlignedArray<float> w_enc, m_w_enc, v_w_enc;  ///< rows
  AlignedArray<float> w_dec, m_w_dec, v_w_dec;  ///< slices
  AlignedArray<float> b_enc, m_b_enc, v_b_enc;  ///< [padded_sae]
  AlignedArray<float> b_dec, m_b_dec, v_b_dec;  ///< [padded_vit]
  /// Of jump-relu: log θ. Of gated: r_mag, b_mag. Of other kinds: none.
  std::vector<LatentParameter> own;
  /// Norm of each row of W_dec after the last update. When rows are kept at unit norm, w_dec holds w / ‖w‖:
  /// it is divided in the pass that updates it, not in another before the next step.
  std::vector<float> norm;
  bool normalized = false;
  int64_t t = 0;                      ///< updates done
  std::vector<int64_t> since_active;  ///< [d_sae] rows since a latent fired, where dead latents are counted
  float threshold = 0;                ///< running mean of BatchTopK's smallest positive value
  double density =
      -1;  ///< fraction of latents active in the last step, which chooses the block sizes; −1: none yet

  // About speed only, and not in checkpoints.
  ScreenChoice screen;
  mutable FloorGuess guess;

  /// Starts from `params`; moments are made by `add_moments`, when the copies that a start comes from are
  /// gone. Throws as SparseAutoencoder's constructor does, and
  /// Code::kInvalidArgument for a jump-relu threshold that is not above 0.
  TrainState(const Params& params, bool normalize_w_dec, Level level, Optimiser optimiser = Optimiser::kAdam);

  /// The parameters as after the last update, before the rows are brought to unit norm for the next: what the
  /// Python package's checkpoints hold.
  Params params() const;

  /// Everything that the next step depends on, for checkpoints: what is not listed here is lost. Whoever adds
  /// an array or a counter to the state lists it.
  std::vector<StateItem> items();

  /// Whether all parameters are finite.
  bool finite() const;

  /// Makes room for the moments of both matrices, zeros, where there is none.
  void add_moments();

  /// Frees the moments of both matrices: no more updates, the parameters stay.
  void free_moments();
};

}  // namespace saev

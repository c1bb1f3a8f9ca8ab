#pragma once
// How good an SAE is on some data, in one pass.

#include <vector>

#include "core/job.h"
#include "io/batch_source.h"
#include "sae/sparse_autoencoder.h"

namespace saev {

struct EvaluateOptions {
  int64_t batch_size = 16384;
  /// l0, l1 and mse as means of the batches' means, so that a short last batch weighs as much as a full one:
  /// as the Python package of June 2025 computes them. Default: means over all rows.
  bool batch_means = false;
  double almost_dead_threshold = 1e-7;  ///< frequency below which a latent counts as almost dead
  double dense_threshold = 1e-2;        ///< frequency above which a latent counts as dense
};

struct Evaluation {
  int64_t n_rows = 0;
  double l0 = 0;                   ///< active latents of a row
  double l1 = 0;                   ///< Σ f of a row
  double mse = 0;                  ///< mean over rows and dimensions of (x − x̂)²
  double explained_variance = 0;   ///< 1 − Σ ‖x − x̂‖² / Σ ‖x − mean‖², mean over all rows per dimension
  double normalized_mse = 0;       ///< Σ ‖x − x̂‖² / Σ ‖x‖²
  int64_t n_dead = 0;              ///< latents that never fired
  int64_t n_almost_dead = 0;       ///< latents with frequency below the threshold, dead ones included
  int64_t n_dense = 0;             ///< latents with frequency above the threshold
  std::vector<float> freqs;        ///< [d_sae] fraction of rows in which a latent fired
  std::vector<float> mean_values;  ///< [d_sae] mean over its firings; NaN for a latent that never fired
};

/// Reads one epoch of `source` from its beginning. Progress counts rows. Throws Code::kShapeMismatch for data
/// of another width, Code::kNumeric when the data or an error is not finite.
Evaluation evaluate(const SparseAutoencoder& sae, BatchSource& source, const EvaluateOptions& options,
                    const Job& job);

}  // namespace saev

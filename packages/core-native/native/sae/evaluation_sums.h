#pragma once
// What an evaluation sums up, batch after batch, and the figures that come of it: one place for evaluation
// after training, in its course, and of whole datasets. The sums can be kept and gone on with, to the same
// bits.

#include <vector>

#include "core/job.h"
#include "sae/sparse_autoencoder.h"

namespace saev {

/// From where on a latent counts as rare or as frequent.
struct FrequencyThresholds {
  double almost_dead = 1e-7;  ///< frequency below which a latent counts as almost dead
  double dense = 1e-2;        ///< frequency above which a latent counts as dense
};

/// How good the first `length` latents reconstruct alone.
struct PrefixFigures {
  int64_t length = 0;
  double mse = 0;
  double explained_variance = 0;
};

struct Evaluation {
  int64_t n_rows = 0;
  double l0 = 0;                  ///< active latents of a row
  double l1 = 0;                  ///< Σ |f| of a row
  double mse = 0;                 ///< mean over rows and dimensions of (x − x̂)²
  double explained_variance = 0;  ///< 1 − Σ ‖x − x̂‖² / Σ ‖x − mean‖², mean over all rows per dimension
  double normalized_mse = 0;      ///< Σ ‖x − x̂‖² / Σ ‖x‖²
  double squared_error = 0;       ///< Σ ‖x − x̂‖²
  double squared_deviation = 0;   ///< Σ ‖x − mean‖²
  double cosine = 0;              ///< mean cosine of x and x̂; 0 for a row where one of them is 0
  double l2_ratio = 0;            ///< mean ‖x̂‖ / ‖x‖ over rows with x ≠ 0
  double relative_bias = 0;       ///< Σ ‖x̂‖² / Σ x·x̂: below 1 where reconstructions shrink
  int64_t n_dead = 0;             ///< latents that never fired
  int64_t n_almost_dead = 0;      ///< latents with frequency below the threshold, dead ones included
  int64_t n_dense = 0;            ///< latents with frequency above the threshold
  int64_t n_over_1_percent = 0;   ///< latents that fired on more than 1 % of the rows
  int64_t n_over_10_percent = 0;  ///< latents that fired on more than 10 % of the rows
  std::vector<PrefixFigures> prefixes;
  std::vector<float> mean;         ///< [d_vit] mean activation
  std::vector<int64_t> firings;    ///< [d_sae] rows in which a latent fired
  std::vector<float> freqs;        ///< [d_sae] fraction of rows in which a latent fired
  std::vector<float> mean_values;  ///< [d_sae] mean over its firings; NaN for a latent that never fired
  std::vector<float> max_values;   ///< [d_sae] largest value; 0 for a latent that never fired
};

class EvaluationSums {
 public:
  /// @param prefixes lengths, ascending and below d_sae, whose reconstructions are measured too; each costs a
  /// decoder pass. Throws Code::kInvalidArgument.
  EvaluationSums(int64_t d_vit, int64_t d_sae, std::vector<int64_t> prefixes);

  /// Adds `rows` rows x [rows, d_vit]. `scratch.lists` then holds their latents. Throws Code::kShapeMismatch
  /// for an SAE of other sizes, Code::kNumeric when data or error are not finite; nothing is added then.
  void add(const SparseAutoencoder& sae, const float* x, int64_t rows, SparseAutoencoder::Scratch& scratch,
           const Job& job);

  int64_t n_rows() const { return n_rows_; }
  int64_t d_vit() const { return d_vit_; }
  int64_t d_sae() const { return d_sae_; }

  /// The figures of all rows so far. `batch_means`: l0, l1 and mse as means of the batches' means, so that a
  /// short last batch weighs as much as a full one: as the Python package of June 2025 computes them. Throws
  /// Code::kInvalidArgument without rows.
  Evaluation figures(const FrequencyThresholds& thresholds, bool batch_means = false) const;

  /// All sums as numbers, and the way back. Throws Code::kShapeMismatch for sums of other sizes.
  std::vector<double> state() const;
  void restore(const std::vector<double>& state);

 private:
  /// Scalar sums, in the order in which they are kept.
  struct Scalars {
    double active = 0, l1 = 0, squares = 0;
    double l0_means = 0, l1_means = 0, mse_means = 0, batches = 0;
    double size = 0, cosine = 0, ratio = 0, ratio_rows = 0, hat_size = 0, product = 0;
  };
  void add_spread(const float* x, int64_t rows);
  Scalars directions_of(const float* x, int64_t rows, const float* error, const Layout& layout) const;
  void add_latents(const ActiveLists& lists);
  double around_mean() const;

  int64_t d_vit_, d_sae_, n_rows_ = 0;
  std::vector<int64_t> prefixes_;
  Scalars s_;
  /// Deviations are taken from the first row, so that a large mean costs no digits.
  std::vector<double> origin_, deviation_, deviation_squares_;  ///< [d_vit]
  std::vector<double> count_, sum_, max_;                       ///< [d_sae]
  std::vector<double> prefix_squares_;
  ActiveLists prefix_lists_;
};

}  // namespace saev

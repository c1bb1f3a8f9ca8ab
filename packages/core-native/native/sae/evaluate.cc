#include "sae/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"

namespace saev {
namespace {

/// Σ ‖x − mean‖² and Σ ‖x‖² in one pass; deviations are taken from the first row, so that a large mean costs
/// no digits.
class Spread {
 public:
  void add(const float* x, int64_t rows, int64_t dim) {
    if (origin_.empty()) {
      origin_.assign(x, x + dim);
      sum_.assign(static_cast<size_t>(dim), 0);
      squares_.assign(static_cast<size_t>(dim), 0);
    }
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < dim; ++k) {
        const auto i = static_cast<size_t>(k);
        const double v = x[r * dim + k], d = v - origin_[i];
        total_ += v * v;
        sum_[i] += d;
        squares_[i] += d * d;
      }
    }
    n_ += rows;
  }
  double around_mean() const {
    double out = 0;
    for (size_t k = 0; k < sum_.size(); ++k) out += squares_[k] - sum_[k] * sum_[k] / static_cast<double>(n_);
    return out;
  }
  double around_zero() const { return total_; }

 private:
  std::vector<double> origin_, sum_, squares_;
  double total_ = 0;
  int64_t n_ = 0;
};

}  // namespace

Evaluation evaluate(const SparseAutoencoder& sae, BatchSource& source, const EvaluateOptions& o,
                    const Job& job) {
  if (source.dim() != sae.d_vit()) {
    throw Error(Code::kShapeMismatch, "this SAE is for activations of width " + std::to_string(sae.d_vit()) +
                                          ", the data has " + std::to_string(source.dim()));
  }
  if (o.batch_size < 1) throw Error(Code::kInvalidArgument, "the batch size must be at least 1");
  if (source.length() < 1) throw Error(Code::kInvalidArgument, "the data has no activations to evaluate on");
  source.reset();
  const auto latents = static_cast<size_t>(sae.d_sae());
  const auto dim = static_cast<double>(sae.d_vit());
  std::vector<int64_t> count(latents);
  std::vector<double> sum(latents);
  SparseAutoencoder::Scratch scratch;
  Spread spread;
  Batch batch;
  Evaluation out;
  double l0 = 0, l1 = 0, squares = 0, l0_means = 0, l1_means = 0, mse_means = 0, batches = 0;
  while (true) {
    job.check_abort();
    const int64_t rows = source.next(batch, o.batch_size, job);
    if (rows == 0) break;
    const ForwardError error = sae.error(batch.acts.data(), rows, scratch, &job);
    if (!std::isfinite(error.squares) || !std::isfinite(error.l1)) {
      throw Error(Code::kNumeric,
                  "rows " + std::to_string(out.n_rows) + " to " + std::to_string(out.n_rows + rows - 1) +
                      ": the reconstruction error is not finite; look for a NaN in the activations");
    }
    spread.add(batch.acts.data(), rows, sae.d_vit());
    const ActiveLists& lists = scratch.lists;
    for (int64_t b = 0; b < lists.n_blocks; ++b) {
      const BlockLists& entries = lists.blocks[static_cast<size_t>(b)];
      for (int64_t s = 0; s < lists.n_segments; ++s) {
        const int32_t* ptr = lists.ptr(b, s);
        for (int32_t q = ptr[0]; q < ptr[kRowBlock]; ++q) {
          const auto j = static_cast<size_t>(s * lists.segment + entries.index()[q]);
          count[j] += entries.value()[q] != 0;
          sum[j] += entries.value()[q];
        }
      }
    }
    const auto active = static_cast<double>(error.active), n = static_cast<double>(rows);
    l0 += active;
    l1 += error.l1;
    squares += error.squares;
    l0_means += active / n;
    l1_means += error.l1 / n;
    mse_means += error.squares / (n * dim);
    ++batches;
    out.n_rows += rows;
    job.report({static_cast<double>(out.n_rows), static_cast<double>(source.length()), {}});
  }
  const auto n = static_cast<double>(out.n_rows);
  out.l0 = o.batch_means ? l0_means / batches : l0 / n;
  out.l1 = o.batch_means ? l1_means / batches : l1 / n;
  out.mse = o.batch_means ? mse_means / batches : squares / (n * dim);
  out.explained_variance = 1 - squares / spread.around_mean();
  out.normalized_mse = squares / spread.around_zero();
  out.freqs.resize(latents);
  out.mean_values.resize(latents);
  for (size_t j = 0; j < latents; ++j) {
    const double freq = static_cast<double>(count[j]) / n;
    out.freqs[j] = static_cast<float>(freq);
    out.mean_values[j] = count[j] > 0 ? static_cast<float>(sum[j] / static_cast<double>(count[j]))
                                      : std::numeric_limits<float>::quiet_NaN();
    out.n_dead += count[j] == 0;
    out.n_almost_dead += freq < o.almost_dead_threshold;
    out.n_dense += freq > o.dense_threshold;
  }
  return out;
}

}  // namespace saev

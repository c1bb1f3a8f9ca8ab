#pragma once
// What each latent responds to: the images that move it most, how often and how strongly it fires. One pass
// over ordered rows; memory does not grow with the number of images.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/job.h"
#include "sae/sparse_batch.h"
#include "stats/latent_examples.h"
#include "stats/row_sampler.h"
#include "stats/value_sketch.h"

namespace saev {

/// How an image is scored for a latent. A patch that does not fire has the value 0.
enum class SortBy {
  kCls,    ///< the value of the image's one row
  kImg,    ///< the sum over the image's patches, in double precision
  kPatch,  ///< the largest patch
};

struct TopKOptions {
  SortBy sort_by = SortBy::kPatch;
  int64_t d_sae = 0;
  int64_t top_k = 0;
  int64_t patches = 1;  ///< patches of an image; 1 for kCls
  int64_t rows = 0;     ///< rows that will come
  int64_t n_distributions = 0;
  int64_t max_distribution_bytes = int64_t{1} << 30;
  uint64_t seed = 0;                             ///< of the sample of `distributions`
  int64_t max_exact_values = int64_t{64} << 20;  ///< firing values kept before all sketches are binned
  ExampleOptions examples;                       ///< none by default
};

struct PatchValue {
  int32_t patch;
  float value;
};

/// One of a latent's top images.
struct TopImage {
  double score = 0;
  int64_t image = 0;
  int32_t top_patch = 0;  ///< strongest patch; among equals the first
  int32_t n_active = 0;
  std::unique_ptr<PatchValue[]> active;  ///< [n_active] patches that fire, in order; none for kCls

  /// Higher score first, then the lower image: the one order of all rankings here.
  bool better_than(const TopImage& other) const {
    return score != other.score ? score > other.score : image < other.image;
  }
};

/// Counts of one latent over all rows.
struct LatentTotals {
  int64_t firings = 0;  ///< rows with f_x ≠ 0
  double sum = 0;       ///< of f_x, in row order
};

/// Feed it rows in the order of images (all rows of an image next to each other, image numbers ascending;
/// batches may cut an image anywhere), then `finish`.
///
/// Every image takes part, also one in which the latent is silent (score 0): so a latent that fires in fewer
/// than top_k images is followed by silent ones, lowest image first, and a ranking always has
/// min(top_k, images) entries. Results are equal to the bit whatever the threads and batch sizes.
class TopKAccumulator {
 public:
  explicit TopKAccumulator(TopKOptions options);

  /// `image_i` and `patch_i` have f_x.rows entries; `patch_i` may be empty for kCls.
  /// Throws kShapeMismatch, kInvalidArgument (order, range) and kNumeric (NaN or infinity).
  void add(const SparseBatch& f_x, std::span<const int64_t> image_i, std::span<const int64_t> patch_i);
  /// Ranks what is there. Throws when rows are missing. `add` must not be called afterwards.
  void finish();
  bool finished() const { return finished_; }

  const TopKOptions& options() const { return options_; }
  int64_t rows() const { return rows_; }
  int64_t images() const { return images_; }
  /// min(top_k, images), after `finish`.
  int64_t top_k() const;

  /// Best first; [top_k()].
  std::span<const TopImage> top(int64_t latent) const;
  const LatentTotals& totals(int64_t latent) const;
  const ValueSketch& values(int64_t latent) const;
  /// The p-th percentile of a latent over all rows, silent ones included: the smallest value v such that at
  /// least p % of the rows have f_x ≤ v. Exact, or within `percentile_error` of it, relative.
  float percentile(int64_t latent, double p) const;
  const LatentExamples& examples() const { return examples_; }
  double percentile_error() const { return binned_ ? ValueSketch::kRelativeError : 0; }

  /// [n_distributions, distribution_columns()]: f_x of the first latents, one column a row in row order, or a
  /// sample of the rows that keeps the order.
  std::span<const float> distributions() const { return distributions_; }
  int64_t distribution_columns() const { return columns_; }
  bool distributions_sampled() const { return columns_ < options_.rows; }

 private:
  struct Block;
  void take(const SparseBatch& f_x, std::span<const int64_t> image_i, std::span<const int64_t> patch_i,
            int64_t begin, int64_t end);
  void process(const Block& block, int64_t first_latent, int64_t last_latent);
  void rank(const Block& block, int64_t latent, std::span<const int32_t> rows, std::span<const float> values);
  void offer(int64_t latent, TopImage&& candidate);

  TopKOptions options_;
  RowSampler sampler_;
  int64_t rows_ = 0, images_ = 0, columns_ = 0, n_values_ = 0, last_image_ = -1;
  bool finished_ = false, binned_ = false;
  std::vector<std::vector<TopImage>> top_;  ///< heaps, worst in front, until `finish` sorts them
  std::vector<LatentTotals> totals_;
  std::vector<ValueSketch> values_;
  std::vector<float> distributions_;
  LatentExamples examples_;

  // Rows of the last image, whose end has not been seen.
  SparseBatch pending_;
  std::vector<int64_t> pending_image_, pending_patch_;
};

}  // namespace saev

#pragma once
// Centre and size of a dataset, estimated from a sample: act = (clamp(x) − act_mean) / scalar.

#include <cstdint>
#include <functional>
#include <vector>

#include "core/job.h"
#include "io/row_view.h"

namespace saev {

struct Scaling {
  float clamp = 1e5F;
  std::vector<float> act_mean;  ///< [dim]
  float scalar = 1;
};

struct ScalingRequest {
  bool compute_mean = false;
  bool compute_scalar = false;
  int64_t n_random_samples =
      0;  ///< rows of numpy's permutation(seed 42) that are looked at; all rows if there are fewer
};

struct ScalingReport {
  int64_t n_samples = 0;
  float largest = 0;  ///< largest magnitude among the samples before clamping
};

/// The sample of a source of `full_length` rows, ascending: those of numpy's permutation(seed 42) that
/// `is_present`.
std::vector<int64_t> sampled_rows(int64_t full_length, int64_t n,
                                  const std::function<bool(int64_t index)>& is_present);

/// Rows that are looked at, whatever they lie in.
struct SampledRows {
  int64_t n = 0;
  int64_t dim = 0;
  std::function<Row(int64_t i)> at;                 ///< which row sample i is, for messages
  std::function<void(int64_t i, float* out)> read;  ///< its values; called from several threads
};
/// The same for rows that lie elsewhere than in shards; `request.n_random_samples` is not used.
ScalingReport compute_scaling(const SampledRows& rows, const ScalingRequest& request, Scaling& scaling,
                              const Job& job);

/// Completes `scaling` in at most two streaming passes over the sampled rows, with sums in double precision:
/// act_mean = mean of the samples; scalar = mean of ‖x − act_mean‖ / √dim, with the act_mean that `scaling`
/// then holds. Throws kNumeric when a sample is not finite, or when all samples equal act_mean.
ScalingReport compute_scaling(const RowView& rows, const ScalingRequest& request, Scaling& scaling,
                              const Job& job);

}  // namespace saev

#pragma once
// Centre and size of a dataset, estimated from a sample: act = (clamp(x) − act_mean) / scalar.

#include <cstdint>
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

/// Completes `scaling` in at most two streaming passes over the sampled rows, with sums in double precision:
/// act_mean = mean of the samples; scalar = mean of ‖x − act_mean‖ / √dim, with the act_mean that `scaling`
/// then holds. Throws kNumeric when a sample is not finite, or when all samples equal act_mean.
ScalingReport compute_scaling(const RowView& rows, const ScalingRequest& request, Scaling& scaling,
                              const Job& job);

}  // namespace saev

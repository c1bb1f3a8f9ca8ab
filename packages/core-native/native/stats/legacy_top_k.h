#pragma once
// The tables of the Python package of June 2025, faults and all, to compare with what it wrote. Dense, and
// as slow as the original: nothing else should use it.

#include <ATen/core/Tensor.h>

#include "core/job.h"
#include "io/batch_source.h"
#include "sae/encoder.h"

namespace saev {

/// That package's running percentile: est += lr · (total − t) / total · (sign(x − est) + 2p/100 − 1), t
/// from 1. Values are taken one after another; the estimate creeps from 0 by at most lr a step.
class LegacyPercentile {
 public:
  LegacyPercentile(int64_t percentile, int64_t total, double lr, at::IntArrayRef shape);
  void update(const at::Tensor& x);
  const at::Tensor& estimate() const { return estimate_; }

 private:
  int64_t percentile_, total_, step_ = 0;
  double lr_;
  at::Tensor estimate_;
};

struct LegacyOptions {
  bool patches = true;  ///< true: `sort_by = "patch"`; false: its `sort_by = "img"`, which ranks CLS rows
  int64_t top_k = 0;
  int64_t patches_per_image = 1;
  int64_t n_distributions = 0;
  int64_t percentile = 99;
  int64_t topk_batch_size = 16384;
  int64_t sae_batch_size = 16384;
};

struct LegacyTables {
  at::Tensor top_values;     ///< float32 [d_sae, top_k, patches], or [d_sae, top_k]
  at::Tensor top_img_i;      ///< int64 [d_sae, top_k]
  at::Tensor mean_values;    ///< float32 [d_sae]: sum / firings, NaN when never
  at::Tensor sparsity;       ///< float32 [d_sae]: firings / all rows, those of a dropped batch too
  at::Tensor distributions;  ///< float32 [n_distributions, rows], written at column image_i
  at::Tensor percentiles;    ///< float32 [d_sae]
};

LegacyTables legacy_top_k(BatchSource& source, const Encoder& encoder, const LegacyOptions& options,
                          const Job& job);

}  // namespace saev

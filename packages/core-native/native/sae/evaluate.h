#pragma once
// How good an SAE is on some data, in one pass.

#include "core/job.h"
#include "io/batch_source.h"
#include "sae/evaluation_sums.h"

namespace saev {

struct EvaluateOptions {
  int64_t batch_size = 16384;
  bool batch_means = false;  ///< see EvaluationSums::figures
  FrequencyThresholds thresholds{};
  std::vector<int64_t> prefixes{};  ///< see EvaluationSums
};

/// Reads one epoch of `source` from its beginning. Progress counts rows. Throws Code::kShapeMismatch for data
/// of another width, Code::kNumeric when the data or an error is not finite.
Evaluation evaluate(const SparseAutoencoder& sae, BatchSource& source, const EvaluateOptions& options,
                    const Job& job);

}  // namespace saev

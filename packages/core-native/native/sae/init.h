#pragma once
// Where training starts from.

#include "core/job.h"
#include "io/batch_source.h"
#include "sae/params.h"

namespace saev {

/// He-uniform weights (He et al. 2015) with the bounds of the Python package, whose fan-in is the second
/// dimension: √(6 / d_sae) for W_enc [d_vit, d_sae] and √(6 / d_vit) for W_dec [d_sae, d_vit]; biases are 0.
///
/// Element i (row-major) of W_enc, then of W_dec, is bound · (2u − 1) with u = top 24 bits of SplitMix64's
/// output number i + 1 (Steele et al. 2014) over 2²⁴; the generator starts from seed · 2 for W_enc, seed · 2
/// + 1 for W_dec, each passed once through SplitMix64's finaliser. The same seed gives the same bits on every
/// machine.
Params initial_params(int64_t d_vit, int64_t d_sae, uint64_t seed);

/// Rows of W_dec to unit norm and W_enc to its transpose, as the Python package of March 2026 starts.
void tie_encoder(Params& params);

/// Rows of W_dec as the Python package of March 2026 starts them from data: row j becomes
/// share · (rows[j mod n] − mean) + (1 − share) · row j, at unit norm. `rows` is [n, d_vit], n ≥ 1.
void blend_rows(std::vector<float>& w_dec, const float* rows, int64_t n, const float* mean, int64_t d_vit,
                double share);

struct RowSample {
  std::vector<float> mean;  ///< [d_vit]
  std::vector<float> rows;  ///< [n, d_vit], drawn without replacement, in the order of their places
  int64_t n = 0;
};

/// Mean of the next `n` rows of `source` as `mean_of_rows` has it, and in the same pass a sample of `k` of
/// them (all, when there are fewer), drawn by a reservoir (Vitter 1985, algorithm R). The same seed and rows
/// give the same sample on every machine.
RowSample sample_rows(BatchSource& source, int64_t n, int64_t k, uint64_t seed, const Job& job);

/// Mean of the next `n` rows of `source`, summed in float64; b_dec starts from it.
/// Throws Code::kInvalidArgument when an epoch has fewer rows, Code::kNumeric when the mean is not finite.
std::vector<float> mean_of_rows(BatchSource& source, int64_t n, const Job& job);

}  // namespace saev

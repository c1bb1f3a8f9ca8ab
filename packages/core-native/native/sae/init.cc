#include "sae/init.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"

namespace saev {
namespace {

uint64_t finalise(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

void he_uniform(std::vector<float>& out, int64_t fan_in, uint64_t stream) {
  const double bound = std::sqrt(6.0 / static_cast<double>(fan_in));
  uint64_t state = finalise(stream);
  for (float& w : out) {
    state += 0x9e3779b97f4a7c15ULL;
    const double u = static_cast<double>(finalise(state) >> 40) * 0x1p-24;
    w = static_cast<float>(bound * (2 * u - 1));
  }
}

}  // namespace

Params initial_params(int64_t d_vit, int64_t d_sae, uint64_t seed) {
  Params p(d_vit, d_sae);
  he_uniform(p.w_enc, d_sae, 2 * seed);
  he_uniform(p.w_dec, d_vit, 2 * seed + 1);
  return p;
}

void tie_encoder(Params& p) {
  for (int64_t j = 0; j < p.d_sae; ++j) {
    float* row = p.w_dec.data() + j * p.d_vit;
    double squares = 0;
    for (int64_t k = 0; k < p.d_vit; ++k) squares += static_cast<double>(row[k]) * row[k];
    const double norm = squares > 0 ? std::sqrt(squares) : 1;
    for (int64_t k = 0; k < p.d_vit; ++k) {
      row[k] = static_cast<float>(row[k] / norm);
      p.w_enc[static_cast<size_t>(k * p.d_sae + j)] = row[k];
    }
  }
}

std::vector<float> mean_of_rows(BatchSource& source, int64_t n, const Job& job) {
  if (n < 1 || n > source.length()) {
    throw Error(Code::kInvalidArgument, "n_reinit_samples: b_dec was to start from the mean of " +
                                            std::to_string(n) + " activations, the data has " +
                                            std::to_string(source.length()) +
                                            "; choose at most that, or 0 to start it from zero");
  }
  std::vector<double> sum(static_cast<size_t>(source.dim()));
  Batch batch;
  for (int64_t seen = 0; seen < n;) {
    job.check_abort();
    const int64_t rows = source.next(batch, std::min<int64_t>(n - seen, 4096), job);
    if (rows == 0) {
      throw Error(Code::kInvalidArgument, "n_reinit_samples: the source ended after " + std::to_string(seen) +
                                              " of " + std::to_string(n) +
                                              " activations; reset it before its mean is taken");
    }
    for (int64_t r = 0; r < rows; ++r) {
      for (size_t k = 0; k < sum.size(); ++k) sum[k] += batch.acts[static_cast<size_t>(r) * sum.size() + k];
    }
    seen += rows;
  }
  std::vector<float> mean(sum.size());
  for (size_t k = 0; k < sum.size(); ++k) {
    mean[k] = static_cast<float>(sum[k] / static_cast<double>(n));
    if (!std::isfinite(mean[k])) {
      throw Error(Code::kNumeric,
                  "n_reinit_samples: the mean of the activations is not finite in dimension " +
                      std::to_string(k) + "; the data holds a NaN or an infinity");
    }
  }
  return mean;
}

}  // namespace saev

#include "sae/init.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "core/mix64.h"

namespace saev {
namespace {

void he_uniform(std::vector<float>& out, int64_t fan_in, uint64_t stream) {
  const double bound = std::sqrt(6.0 / static_cast<double>(fan_in));
  uint64_t state = mix64(stream);
  for (float& w : out) {
    state += 0x9e3779b97f4a7c15ULL;
    const double u = static_cast<double>(mix64(state) >> 40) * 0x1p-24;
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

void blend_rows(std::vector<float>& w_dec, const float* rows, int64_t n, const float* mean, int64_t d_vit,
                double share) {
  const auto d_sae = static_cast<int64_t>(w_dec.size()) / d_vit;
  for (int64_t j = 0; j < d_sae; ++j) {
    float* w = w_dec.data() + j * d_vit;
    const float* x = rows + j % n * d_vit;
    std::vector<double> blended(static_cast<size_t>(d_vit));
    double squares = 0;
    for (int64_t k = 0; k < d_vit; ++k) {
      double& v = blended[static_cast<size_t>(k)];
      v = share * (static_cast<double>(x[k]) - mean[k]) + (1 - share) * w[k];
      squares += v * v;
    }
    const double norm = squares > 0 ? std::sqrt(squares) : 1;
    for (int64_t k = 0; k < d_vit; ++k) w[k] = static_cast<float>(blended[static_cast<size_t>(k)] / norm);
  }
}

RowSample sample_rows(BatchSource& source, int64_t n, int64_t k, uint64_t seed, const Job& job) {
  if (n < 1 || n > source.length()) {
    throw Error(Code::kInvalidArgument, "n_reinit_samples: b_dec was to start from the mean of " +
                                            std::to_string(n) + " activations, the data has " +
                                            std::to_string(source.length()) +
                                            "; choose at most that, or 0 to start it from zero");
  }
  const auto dim = static_cast<size_t>(source.dim());
  std::vector<double> sum(dim);
  RowSample out;
  out.n = std::min(n, k);
  out.rows.resize(static_cast<size_t>(out.n) * dim);
  uint64_t state = mix64(seed);
  Batch batch;
  for (int64_t seen = 0; seen < n;) {
    job.check_abort();
    const int64_t rows = source.next(batch, std::min<int64_t>(n - seen, 4096), job);
    if (rows == 0) {
      throw Error(Code::kInvalidArgument, "n_reinit_samples: the source ended after " + std::to_string(seen) +
                                              " of " + std::to_string(n) +
                                              " activations; reset it before its mean is taken");
    }
    for (int64_t r = 0; r < rows; ++r, ++seen) {
      const float* x = batch.acts.data() + static_cast<size_t>(r) * dim;
      for (size_t i = 0; i < dim; ++i) sum[i] += x[i];
      if (out.n == 0) continue;
      int64_t place = seen;
      if (seen >= out.n) {
        state += 0x9e3779b97f4a7c15ULL;
        place = static_cast<int64_t>(mix64(state) % static_cast<uint64_t>(seen + 1));
      }
      if (place < out.n) std::copy_n(x, dim, out.rows.data() + static_cast<size_t>(place) * dim);
    }
  }
  out.mean.resize(dim);
  for (size_t i = 0; i < dim; ++i) {
    out.mean[i] = static_cast<float>(sum[i] / static_cast<double>(n));
    if (!std::isfinite(out.mean[i])) {
      throw Error(Code::kNumeric,
                  "n_reinit_samples: the mean of the activations is not finite in dimension " +
                      std::to_string(i) + "; the data holds a NaN or an infinity");
    }
  }
  return out;
}

std::vector<float> mean_of_rows(BatchSource& source, int64_t n, const Job& job) {
  return sample_rows(source, n, 0, 0, job).mean;
}

}  // namespace saev

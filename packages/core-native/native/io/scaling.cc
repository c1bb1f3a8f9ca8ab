#include "io/scaling.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "core/parallel.h"
#include "io/numpy_random.h"

namespace saev {
namespace {

constexpr uint64_t kSampleSeed = 42;  // the Python package's, whatever the config's seed
constexpr int64_t kChunk = 512;       // rows a task; sums are combined in the order of the chunks

struct ChunkSum {
  std::vector<double> sum;
  double norms = 0;
  float largest = 0;
};

void require_finite(const float* x, int64_t d, const Row& row) {
  for (int64_t c = 0; c < d; ++c) {
    if (!std::isfinite(x[c])) {
      throw Error(Code::kNumeric, "image " + std::to_string(row.image_i) +
                                      (row.patch_i < 0 ? "" : ", patch " + std::to_string(row.patch_i)) +
                                      ": the activation at dimension " + std::to_string(c) +
                                      " is not finite; record these shards again");
    }
  }
}

/// Calls `add(clamped values, chunk's sum)` for every sampled row.
template <typename Add>
std::vector<ChunkSum> pass(const SampledRows& rows, float clamp, const Job& job, const Add& add) {
  const int64_t n = rows.n, d = rows.dim;
  std::vector<ChunkSum> chunks(static_cast<size_t>((n + kChunk - 1) / kChunk));
  parallel_tasks(static_cast<int64_t>(chunks.size()), [&](int64_t task, int) {
    job.check_abort();
    ChunkSum& chunk = chunks[static_cast<size_t>(task)];
    chunk.sum.resize(static_cast<size_t>(d));
    std::vector<float> x(static_cast<size_t>(d));
    for (int64_t i = task * kChunk; i < std::min(n, (task + 1) * kChunk); ++i) {
      rows.read(i, x.data());
      require_finite(x.data(), d, rows.at(i));
      for (float& v : x) {
        chunk.largest = std::max(chunk.largest, std::fabs(v));
        v = std::clamp(v, -clamp, clamp);
      }
      add(x, chunk);
    }
  });
  return chunks;
}

}  // namespace

// In the order of the disk; the sums do not care, the disk does.
std::vector<int64_t> sampled_rows(int64_t full_length, int64_t n,
                                  const std::function<bool(int64_t index)>& is_present) {
  auto sample = numpy_permutation(kSampleSeed, full_length, std::min(n, full_length));
  std::erase_if(sample, [&is_present](int64_t index) { return !is_present(index); });
  std::sort(sample.begin(), sample.end());
  return sample;
}

ScalingReport compute_scaling(const RowView& rows, const ScalingRequest& request, Scaling& scaling,
                              const Job& job) {
  if (!request.compute_mean && !request.compute_scalar) return {};
  const auto sample = sampled_rows(rows.full_length(), request.n_random_samples,
                                   [&rows](int64_t index) { return rows.is_present(index); });
  const auto at = [&](int64_t i) { return rows.at_index(sample[static_cast<size_t>(i)]); };
  return compute_scaling(SampledRows{static_cast<int64_t>(sample.size()), rows.dim(), at,
                                     [&](int64_t i, float* out) { rows.read(at(i), out); }},
                         request, scaling, job);
}

ScalingReport compute_scaling(const SampledRows& rows, const ScalingRequest& request, Scaling& scaling,
                              const Job& job) {
  ScalingReport report;
  if (!request.compute_mean && !request.compute_scalar) return report;
  if (rows.n < 1)
    throw Error(Code::kInvalidArgument,
                "n_random_samples: at least one row is needed to compute the scaling");
  report.n_samples = rows.n;
  const auto n = static_cast<double>(rows.n);
  const auto d = static_cast<size_t>(rows.dim);

  if (request.compute_mean) {
    const auto chunks = pass(rows, scaling.clamp, job, [](const std::vector<float>& x, ChunkSum& chunk) {
      for (size_t c = 0; c < x.size(); ++c) chunk.sum[c] += x[c];
    });
    std::vector<double> sum(d);
    for (const ChunkSum& chunk : chunks) {
      for (size_t c = 0; c < d; ++c) sum[c] += chunk.sum[c];
      report.largest = std::max(report.largest, chunk.largest);
    }
    for (size_t c = 0; c < d; ++c) scaling.act_mean[c] = static_cast<float>(sum[c] / n);
  }
  if (request.compute_scalar) {
    const auto& mean = scaling.act_mean;
    const auto chunks = pass(rows, scaling.clamp, job, [&mean](const std::vector<float>& x, ChunkSum& chunk) {
      double squares = 0;
      for (size_t c = 0; c < x.size(); ++c) {
        const double centred = double{x[c]} - mean[c];
        squares += centred * centred;
      }
      chunk.norms += std::sqrt(squares);
    });
    double norms = 0;
    for (const ChunkSum& chunk : chunks) {
      norms += chunk.norms;
      report.largest = std::max(report.largest, chunk.largest);
    }
    scaling.scalar = static_cast<float>(norms / n / std::sqrt(static_cast<double>(d)));
    if (!(scaling.scalar > 0)) {
      throw Error(Code::kNumeric,
                  "scale_norm: all sampled activations equal their mean, so their norm cannot be scaled; use "
                  "scale_norm = false");
    }
  }
  return report;
}

}  // namespace saev

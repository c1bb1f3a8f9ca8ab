#include "sae/evaluation_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/parallel.h"

namespace saev {
namespace {

constexpr int64_t kRows = 256, kColumns = 64;

void check_inner_prefixes(const std::vector<int64_t>& prefixes, int64_t d_sae) {
  int64_t before = 0;
  for (const int64_t m : prefixes) {
    if (m <= before || m >= d_sae) {
      throw Error(Code::kInvalidArgument, "prefixes: expected lengths that ascend from 1 and stay below " +
                                              std::to_string(d_sae) + ", found " + std::to_string(m));
    }
    before = m;
  }
}

}  // namespace

EvaluationSums::EvaluationSums(int64_t d_vit, int64_t d_sae, std::vector<int64_t> prefixes)
    : d_vit_(d_vit), d_sae_(d_sae), prefixes_(std::move(prefixes)) {
  constexpr int64_t kLargest = int64_t{1} << 31;
  if (d_vit < 1 || d_sae < 1 || d_vit > kLargest || d_sae > kLargest)
    throw Error(Code::kInvalidArgument, "d_vit and d_sae must be from 1 to 2^31");
  check_inner_prefixes(prefixes_, d_sae);
  const auto width = static_cast<size_t>(d_vit), latents = static_cast<size_t>(d_sae);
  origin_.assign(width, 0);
  deviation_.assign(width, 0);
  deviation_squares_.assign(width, 0);
  count_.assign(latents, 0);
  sum_.assign(latents, 0);
  max_.assign(latents, -std::numeric_limits<double>::infinity());
  prefix_squares_.assign(prefixes_.size(), 0);
}

void EvaluationSums::add(const SparseAutoencoder& sae, const float* x, int64_t rows,
                         SparseAutoencoder::Scratch& scratch, const Job& job) {
  if (sae.d_vit() != d_vit_ || sae.d_sae() != d_sae_) {
    throw Error(Code::kShapeMismatch, "these sums are of an SAE of width " + std::to_string(d_vit_) +
                                          " with " + std::to_string(d_sae_) +
                                          " latents, found one of width " + std::to_string(sae.d_vit()) +
                                          " with " + std::to_string(sae.d_sae()));
  }
  if (rows < 1) return;
  const ForwardError error = sae.error(x, rows, scratch, &job);
  if (!std::isfinite(error.squares) || !std::isfinite(error.l1)) {
    throw Error(Code::kNumeric,
                "rows " + std::to_string(n_rows_) + " to " + std::to_string(n_rows_ + rows - 1) +
                    ": the reconstruction error is not finite; look for a NaN in the activations");
  }
  // An abort in mid-batch must leave every sum as it was.
  const Scalars directions = directions_of(x, rows, scratch.gradient.data(), sae.layout());
  std::vector<double> squares(prefixes_.size());
  if (!prefixes_.empty()) prefix_lists_.copy(scratch.encode.lists);
  for (size_t p = prefixes_.size(); p-- > 0;) {
    squares[p] = sae.prefix_error(prefixes_[p], prefix_lists_, scratch, &job).squares;
  }
  for (size_t p = 0; p < squares.size(); ++p) prefix_squares_[p] += squares[p];
  s_.size += directions.size;
  s_.hat_size += directions.hat_size;
  s_.product += directions.product;
  s_.cosine += directions.cosine;
  s_.ratio += directions.ratio;
  s_.ratio_rows += directions.ratio_rows;
  add_spread(x, rows);
  add_latents(scratch.encode.lists);
  const auto active = static_cast<double>(error.active), n = static_cast<double>(rows);
  s_.active += active;
  s_.l1 += error.l1;
  s_.squares += error.squares;
  s_.l0_means += active / n;
  s_.l1_means += error.l1 / n;
  s_.mse_means += error.squares / (n * static_cast<double>(d_vit_));
  ++s_.batches;
  n_rows_ += rows;
}

void EvaluationSums::add_spread(const float* x, int64_t rows) {
  if (n_rows_ == 0) origin_.assign(x, x + d_vit_);
  parallel_tasks((d_vit_ + kColumns - 1) / kColumns, [&](int64_t task, int) {
    const int64_t first = task * kColumns, end = std::min(d_vit_, first + kColumns);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = first; k < end; ++k) {
        const auto i = static_cast<size_t>(k);
        const double d = static_cast<double>(x[r * d_vit_ + k]) - origin_[i];
        deviation_[i] += d;
        deviation_squares_[i] += d * d;
      }
    }
  });
}

EvaluationSums::Scalars EvaluationSums::directions_of(const float* x, int64_t rows, const float* error,
                                                      const Layout& layout) const {
  const int64_t tasks = (rows + kRows - 1) / kRows, width = layout.slice_width;
  std::vector<Scalars> parts(static_cast<size_t>(tasks));
  parallel_tasks(tasks, [&](int64_t task, int) {
    Scalars& part = parts[static_cast<size_t>(task)];
    for (int64_t r = task * kRows; r < std::min(rows, (task + 1) * kRows); ++r) {
      double xx = 0, hh = 0, xh = 0;
      for (int64_t s = 0; s < layout.n_slices; ++s) {
        const float* e = error + (s * rows + r) * width;
        const float* row = x + r * d_vit_ + s * width;
        const int64_t columns = std::min(width, d_vit_ - s * width);
        for (int64_t k = 0; k < columns; ++k) {
          const double v = row[k], h = v + e[k];
          xx += v * v;
          hh += h * h;
          xh += v * h;
        }
      }
      part.size += xx;
      part.hat_size += hh;
      part.product += xh;
      if (xx > 0 && hh > 0) part.cosine += xh / std::sqrt(xx * hh);
      if (xx > 0) {
        part.ratio += std::sqrt(hh / xx);
        ++part.ratio_rows;
      }
    }
  });
  Scalars total;
  for (const Scalars& part : parts) {
    total.size += part.size;
    total.hat_size += part.hat_size;
    total.product += part.product;
    total.cosine += part.cosine;
    total.ratio += part.ratio;
    total.ratio_rows += part.ratio_rows;
  }
  return total;
}

void EvaluationSums::add_latents(const ActiveLists& lists) {
  for (int64_t b = 0; b < lists.n_blocks; ++b) {
    const BlockLists& entries = lists.blocks[static_cast<size_t>(b)];
    for (int64_t s = 0; s < lists.n_segments; ++s) {
      const int32_t* ptr = lists.ptr(b, s);
      for (int32_t q = ptr[0]; q < ptr[kRowBlock]; ++q) {
        const double value = entries.value()[q];
        if (value == 0) continue;
        const auto j = static_cast<size_t>(s * lists.segment + entries.index()[q]);
        ++count_[j];
        sum_[j] += value;
        max_[j] = std::max(max_[j], value);
      }
    }
  }
}

double EvaluationSums::around_mean() const {
  double out = 0;
  for (size_t k = 0; k < deviation_.size(); ++k) {
    out += deviation_squares_[k] - deviation_[k] * deviation_[k] / static_cast<double>(n_rows_);
  }
  return out;
}

Evaluation EvaluationSums::figures(const FrequencyThresholds& thresholds, bool batch_means) const {
  if (n_rows_ < 1) throw Error(Code::kInvalidArgument, "no activations were added; there are no figures yet");
  const auto n = static_cast<double>(n_rows_), dim = static_cast<double>(d_vit_);
  Evaluation out;
  out.n_rows = n_rows_;
  out.l0 = batch_means ? s_.l0_means / s_.batches : s_.active / n;
  out.l1 = batch_means ? s_.l1_means / s_.batches : s_.l1 / n;
  out.mse = batch_means ? s_.mse_means / s_.batches : s_.squares / (n * dim);
  out.squared_error = s_.squares;
  out.squared_deviation = around_mean();
  out.explained_variance = 1 - s_.squares / out.squared_deviation;
  out.normalized_mse = s_.squares / s_.size;
  out.cosine = s_.cosine / n;
  out.l2_ratio = s_.ratio / s_.ratio_rows;
  out.relative_bias = s_.hat_size / s_.product;
  for (size_t p = 0; p < prefixes_.size(); ++p) {
    out.prefixes.push_back(
        {prefixes_[p], prefix_squares_[p] / (n * dim), 1 - prefix_squares_[p] / out.squared_deviation});
  }
  if (!prefixes_.empty()) out.prefixes.push_back({d_sae_, s_.squares / (n * dim), out.explained_variance});
  for (size_t k = 0; k < origin_.size(); ++k)
    out.mean.push_back(static_cast<float>(origin_[k] + deviation_[k] / n));
  const auto latents = static_cast<size_t>(d_sae_);
  out.firings.resize(latents);
  out.freqs.resize(latents);
  out.mean_values.resize(latents);
  out.max_values.resize(latents);
  for (size_t j = 0; j < latents; ++j) {
    const double freq = count_[j] / n;
    out.firings[j] = static_cast<int64_t>(count_[j]);
    out.freqs[j] = static_cast<float>(freq);
    out.mean_values[j] =
        count_[j] > 0 ? static_cast<float>(sum_[j] / count_[j]) : std::numeric_limits<float>::quiet_NaN();
    out.max_values[j] = count_[j] > 0 ? static_cast<float>(max_[j]) : 0;
    out.n_dead += count_[j] == 0;
    out.n_almost_dead += freq < thresholds.almost_dead;
    out.n_dense += freq > thresholds.dense;
    out.n_over_1_percent += freq > 0.01;
    out.n_over_10_percent += freq > 0.1;
  }
  return out;
}

namespace {

/// Each part of the state, in order; `f` takes a double or a vector of doubles.
template <typename Scalars, typename F>
void each_scalar(Scalars& s, const F& f) {
  for (auto* v : {&s.active, &s.l1, &s.squares, &s.l0_means, &s.l1_means, &s.mse_means, &s.batches, &s.size,
                  &s.cosine, &s.ratio, &s.ratio_rows, &s.hat_size, &s.product}) {
    f(*v);
  }
}

}  // namespace

std::vector<double> EvaluationSums::state() const {
  std::vector<double> out{static_cast<double>(n_rows_)};
  each_scalar(s_, [&](const double& v) { out.push_back(v); });
  for (const auto* part :
       {&origin_, &deviation_, &deviation_squares_, &count_, &sum_, &max_, &prefix_squares_}) {
    out.insert(out.end(), part->begin(), part->end());
  }
  return out;
}

void EvaluationSums::restore(const std::vector<double>& state) {
  const size_t expected = EvaluationSums::state().size();
  if (state.size() != expected) {
    throw Error(Code::kShapeMismatch, "expected " + std::to_string(expected) +
                                          " numbers, the sums of this SAE, found " +
                                          std::to_string(state.size()));
  }
  if (!(state[0] >= 0 && state[0] < 9e15)) {
    throw Error(Code::kInvalidArgument, "the first number of the state is no count of rows");
  }
  for (size_t j = 0; j < static_cast<size_t>(d_sae_); ++j) {
    const double count = state[1 + 13 + 3 * static_cast<size_t>(d_vit_) + j];
    if (!(count >= 0 && count <= state[0])) {
      throw Error(Code::kInvalidArgument,
                  "latent " + std::to_string(j) + " of the state has no count of rows");
    }
  }
  auto from = state.begin();
  n_rows_ = static_cast<int64_t>(*from++);
  each_scalar(s_, [&](double& v) { v = *from++; });
  for (auto* part : {&origin_, &deviation_, &deviation_squares_, &count_, &sum_, &max_, &prefix_squares_}) {
    std::copy_n(from, part->size(), part->begin());
    from += static_cast<std::ptrdiff_t>(part->size());
  }
}

}  // namespace saev

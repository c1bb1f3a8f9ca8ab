#include "sae/evaluation_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

std::vector<float> normal(int64_t n, uint64_t seed, float scale) {
  std::vector<float> out(static_cast<size_t>(n));
  test::Random(seed).fill(out.data(), n, scale);
  return out;
}

/// As the trainer's sums run over rows in float32 kernels and in float64 sums, and the plain formula in
/// float64 throughout.
constexpr double kTolerance = 1e-5;

Params some_params(int64_t d_vit, int64_t d_sae) {
  Params p(d_vit, d_sae);
  p.w_enc = normal(d_vit * d_sae, 1, 0.3f);
  p.w_dec = normal(d_vit * d_sae, 2, 0.3f);
  p.b_enc = normal(d_sae, 3, 0.3f);
  p.b_dec = normal(d_vit, 4, 0.5f);
  p.b_enc[static_cast<size_t>(d_sae) - 1] = -1e6f;  // a latent that never fires
  return p;
}

/// x̂ of the first `length` latents, the plain way.
std::vector<double> reconstruct(const Params& p, const float* x, int64_t length, std::vector<double>& f) {
  const auto vit = static_cast<size_t>(p.d_vit), sae = static_cast<size_t>(p.d_sae);
  f.assign(sae, 0);
  std::vector<double> out(p.b_dec.begin(), p.b_dec.end());
  for (size_t j = 0; j < sae; ++j) {
    double h = p.b_enc[j];
    for (size_t k = 0; k < vit; ++k) h += (static_cast<double>(x[k]) - p.b_dec[k]) * p.w_enc[k * sae + j];
    f[j] = std::max(0.0, h);
    if (static_cast<int64_t>(j) >= length) continue;
    for (size_t k = 0; k < vit; ++k) out[k] += f[j] * p.w_dec[j * vit + k];
  }
  return out;
}

}  // namespace

TEST(evaluation_sums_are_those_of_the_plain_formulas) {
  const int64_t d_vit = 37, d_sae = 300, rows = 500;
  const Params p = some_params(d_vit, d_sae);
  auto x = normal(rows * d_vit, 5, 1.0f);
  for (auto& v : x) v += 3;
  const SparseAutoencoder sae(p);
  EvaluationSums sums(d_vit, d_sae, {1, 40, 256});
  SparseAutoencoder::Scratch scratch;
  for (int64_t r = 0; r < rows; r += 130)
    sums.add(sae, x.data() + r * d_vit, std::min<int64_t>(130, rows - r), scratch, Job());
  const Evaluation e = sums.figures({});

  std::vector<double> mean(d_vit), f, count(d_sae), highest(d_sae);
  for (int64_t i = 0; i < rows * d_vit; ++i) mean[i % d_vit] += x[i] / static_cast<double>(rows);
  double squares = 0, spread = 0, size = 0, cosine = 0, ratio = 0, hats = 0, products = 0, l0 = 0, l1 = 0;
  std::vector<double> prefix(3);
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x.data() + r * d_vit;
    for (size_t i = 0; i < 3; ++i) {
      const auto part = reconstruct(p, row, e.prefixes[i].length, f);
      for (int64_t k = 0; k < d_vit; ++k) prefix[i] += std::pow(part[k] - row[k], 2);
    }
    const auto hat = reconstruct(p, row, d_sae, f);
    double xx = 0, hh = 0, xh = 0;
    for (int64_t k = 0; k < d_vit; ++k) {
      squares += std::pow(hat[k] - row[k], 2);
      spread += std::pow(row[k] - mean[k], 2);
      xx += std::pow(row[k], 2);
      hh += hat[k] * hat[k];
      xh += hat[k] * row[k];
    }
    size += xx;
    hats += hh;
    products += xh;
    cosine += xh / std::sqrt(xx * hh) / rows;
    ratio += std::sqrt(hh / xx) / rows;
    for (int64_t j = 0; j < d_sae; ++j) {
      count[j] += f[j] > 0;
      highest[j] = std::max(highest[j], f[j]);
      l0 += f[j] > 0;
      l1 += f[j];
    }
  }
  CHECK(e.n_rows == rows && e.firings[d_sae - 1] == 0 && e.max_values[d_sae - 1] == 0);
  CHECK(e.n_dead == std::count(count.begin(), count.end(), 0.0) && e.n_dead < d_sae / 2);
  CHECK_CLOSE(e.l0, l0 / rows, 1e-3);  // a value at the edge of 0 may fall on either side
  CHECK_CLOSE(e.l1, l1 / rows, kTolerance);
  CHECK_CLOSE(e.mse, squares / (rows * d_vit), kTolerance);
  CHECK_CLOSE(e.explained_variance, 1 - squares / spread, kTolerance);
  CHECK_CLOSE(e.normalized_mse, squares / size, kTolerance);
  CHECK_CLOSE(e.squared_error, squares, kTolerance);
  CHECK_CLOSE(e.squared_deviation, spread, kTolerance);
  CHECK_CLOSE(e.cosine, cosine, kTolerance);
  CHECK_CLOSE(e.l2_ratio, ratio, kTolerance);
  CHECK_CLOSE(e.relative_bias, hats / products, kTolerance);
  CHECK(e.prefixes.size() == 4 && e.prefixes[3].length == d_sae && e.prefixes[3].mse == e.mse);
  for (size_t i = 0; i < 3; ++i) {
    CHECK_CLOSE(e.prefixes[i].mse, prefix[i] / (rows * d_vit), kTolerance);
    CHECK_CLOSE(e.prefixes[i].explained_variance, 1 - prefix[i] / spread, kTolerance);
  }
  for (int64_t k = 0; k < d_vit; ++k) CHECK_CLOSE(e.mean[k], mean[k], kTolerance);
  int64_t over = 0;
  for (int64_t j = 0; j < d_sae; ++j) {
    over += count[j] / rows > 0.1;
    CHECK_CLOSE(static_cast<double>(e.firings[j]), count[j], 1e-2);
    CHECK_CLOSE(e.max_values[j], highest[j], kTolerance);
  }
  CHECK(e.n_over_10_percent == over && e.n_over_1_percent == e.n_dense);
}

TEST(evaluation_sums_go_on_to_the_same_bits_and_refuse_other_sums) {
  const int64_t d_vit = 20, d_sae = 64, rows = 300;
  const SparseAutoencoder sae(some_params(d_vit, d_sae));
  auto x = normal(rows * d_vit, 6, 1.0f);
  SparseAutoencoder::Scratch scratch;
  EvaluationSums whole(d_vit, d_sae, {8}), half(d_vit, d_sae, {8}), resumed(d_vit, d_sae, {8});
  CHECK_THROWS(whole.figures({}), Code::kInvalidArgument);
  for (int64_t r = 0; r < rows; r += 100) whole.add(sae, x.data() + r * d_vit, 100, scratch, Job());
  half.add(sae, x.data(), 100, scratch, Job());
  resumed.restore(half.state());
  for (int64_t r = 100; r < rows; r += 100) resumed.add(sae, x.data() + r * d_vit, 100, scratch, Job());
  CHECK(resumed.state() == whole.state());

  auto state = whole.state();
  state.pop_back();
  CHECK_THROWS(half.restore(state), Code::kShapeMismatch);
  state = whole.state();
  state[0] = NAN;
  CHECK_THROWS(half.restore(state), Code::kInvalidArgument);
  state = whole.state();
  state[1 + 13 + 3 * d_vit] = 1e300;
  CHECK_THROWS(half.restore(state), Code::kInvalidArgument);

  const auto before = whole.state();
  x[50] = NAN;
  CHECK_THROWS(whole.add(sae, x.data(), 100, scratch, Job()), Code::kNumeric);
  CHECK(whole.state() == before);
  EvaluationSums other(d_vit, d_sae + 1, {});
  CHECK_THROWS(other.add(sae, x.data(), 100, scratch, Job()), Code::kShapeMismatch);
  CHECK_THROWS(EvaluationSums(4, 8, {3, 3}), Code::kInvalidArgument);
  CHECK_THROWS(EvaluationSums(4, 8, {8}), Code::kInvalidArgument);
  CHECK_THROWS(EvaluationSums(4, 0, {}), Code::kInvalidArgument);
}

}  // namespace saev

#include "stats/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/error.h"
#include "core/parallel.h"
#include "test/check.h"

namespace {

using namespace saev;

/// Dense random latents with many exact ties, silent latents, and (optionally) negative values.
struct Data {
  int64_t images, patches, d_sae;
  std::vector<float> f;  // [images · patches, d_sae]
  std::vector<int64_t> image_i, patch_i;

  Data(int64_t images, int64_t patches, int64_t d_sae, bool negative, uint32_t seed)
      : images(images), patches(patches), d_sae(d_sae), f(static_cast<size_t>(images * patches * d_sae)) {
    std::mt19937 rng(seed);
    for (int64_t r = 0; r < images * patches; ++r) {
      image_i.push_back(3 + 2 * (r / patches));  // image numbers with holes
      patch_i.push_back(r % patches);
      for (int64_t l = 0; l < d_sae; ++l) {
        const double density = l % 7 == 0 ? 0.0 : l % 5 == 0 ? 0.9 : 0.03;
        if (std::uniform_real_distribution<>(0, 1)(rng) >= density) continue;
        // Few distinct values: ties are the rule. Sums of them are exact.
        auto v = static_cast<float>(1 + rng() % 8) / 4;
        if (negative && rng() % 2 == 0) v = -v;
        f[static_cast<size_t>(r * d_sae + l)] = v;
      }
    }
  }
  int64_t rows() const { return images * patches; }
  float at(int64_t r, int64_t l) const { return f[static_cast<size_t>(r * d_sae + l)]; }

  SparseBatch sparse(int64_t begin, int64_t end) const {
    SparseBatch out;
    out.rows = end - begin;
    out.d_sae = d_sae;
    out.row_start.push_back(0);
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t l = 0; l < d_sae; ++l) {
        if (at(r, l) == 0) continue;
        out.latent.push_back(static_cast<int32_t>(l));
        out.value.push_back(at(r, l));
      }
      out.row_start.push_back(static_cast<int64_t>(out.latent.size()));
    }
    return out;
  }
};

TopKAccumulator accumulate(const Data& data, TopKOptions options, int64_t batch) {
  options.d_sae = data.d_sae;
  options.patches = data.patches;
  options.rows = data.rows();
  TopKAccumulator acc(options);
  for (int64_t r = 0; r < data.rows(); r += batch) {
    const int64_t end = std::min(r + batch, data.rows());
    acc.add(data.sparse(r, end),
            std::span(data.image_i).subspan(static_cast<size_t>(r), static_cast<size_t>(end - r)),
            std::span(data.patch_i).subspan(static_cast<size_t>(r), static_cast<size_t>(end - r)));
  }
  acc.finish();
  return acc;
}

/// Scores every image for every latent, sorts them all, and compares.
void check_against_brute_force(const Data& data, SortBy sort_by, int64_t top_k, int64_t batch) {
  TopKOptions options;
  options.sort_by = sort_by;
  options.top_k = top_k;
  options.n_distributions = 4;
  const TopKAccumulator acc = accumulate(data, options, batch);
  const int64_t k = std::min(top_k, data.images);
  CHECK(acc.top_k() == k);
  for (int64_t l = 0; l < data.d_sae; ++l) {
    std::vector<std::pair<double, int64_t>> all;  // (−score, image ordinal)
    double total = 0;
    int64_t firings = 0;
    std::vector<float> column;
    for (int64_t i = 0; i < data.images; ++i) {
      double sum = 0, largest = -std::numeric_limits<double>::infinity();
      for (int64_t p = 0; p < data.patches; ++p) {
        const float v = data.at(i * data.patches + p, l);
        column.push_back(v);
        sum += v;
        largest = std::max(largest, static_cast<double>(v));
        firings += v != 0;
      }
      total += sum;
      all.emplace_back(sort_by == SortBy::kPatch ? -largest : -sum, i);
    }
    std::sort(all.begin(), all.end());
    const auto top = acc.top(l);
    CHECK(static_cast<int64_t>(top.size()) == k);
    for (size_t j = 0; j < top.size(); ++j) {
      const auto [score, ordinal] = all[j];
      CHECK(top[j].score == -score);
      CHECK(top[j].image == 3 + 2 * ordinal);
      if (sort_by == SortBy::kCls) continue;
      int64_t strongest = 0;
      std::vector<PatchValue> active;
      for (int64_t p = 0; p < data.patches; ++p) {
        const float v = data.at(ordinal * data.patches + p, l);
        if (v > data.at(ordinal * data.patches + strongest, l)) strongest = p;
        if (v != 0) active.push_back({static_cast<int32_t>(p), v});
      }
      CHECK(top[j].top_patch == strongest);
      CHECK(top[j].n_active == static_cast<int32_t>(active.size()));
      for (size_t a = 0; a < active.size(); ++a) {
        CHECK(top[j].active[a].patch == active[a].patch && top[j].active[a].value == active[a].value);
      }
    }
    CHECK(acc.totals(l).firings == firings);
    CHECK(acc.totals(l).sum == total);
    if (l < 4) {
      for (int64_t r = 0; r < data.rows(); ++r) {
        CHECK(acc.distributions()[static_cast<size_t>(l * data.rows() + r)] == data.at(r, l));
      }
    }
    std::sort(column.begin(), column.end());
    for (const double p : {0.0, 1.0, 50.0, 55.0, 90.0, 99.0, 100.0}) {
      const auto rank = std::max<int64_t>(
          0, static_cast<int64_t>(std::ceil(p * static_cast<double>(column.size()) / 100)) - 1);
      CHECK(acc.percentile(l, p) == column[static_cast<size_t>(rank)]);
    }
  }
}

}  // namespace

TEST(top_k_equals_brute_force) {
  for (const bool negative : {false, true}) {
    for (const int64_t batch : {1, 5, 36, 1000}) {
      const Data patches(40, 9, 30, negative, 1), cls(200, 1, 30, negative, 2);
      check_against_brute_force(patches, SortBy::kPatch, 6, batch);
      check_against_brute_force(patches, SortBy::kImg, 6, batch);
      check_against_brute_force(cls, SortBy::kCls, 6, batch);
      check_against_brute_force(patches, SortBy::kPatch, 100, batch);  // more than there are images
    }
  }
}

TEST(top_k_is_the_same_on_any_number_of_threads) {
  const Data data(60, 16, 700, true, 3);
  TopKOptions options;
  options.top_k = 7;
  const int threads = num_threads();
  set_num_threads(1);
  const TopKAccumulator one = accumulate(data, options, 100);
  set_num_threads(std::max(4, threads));
  const TopKAccumulator many = accumulate(data, options, 33);
  set_num_threads(threads);
  for (int64_t l = 0; l < data.d_sae; ++l) {
    CHECK(one.totals(l).sum == many.totals(l).sum);
    for (size_t j = 0; j < 7; ++j) {
      CHECK(one.top(l)[j].image == many.top(l)[j].image && one.top(l)[j].score == many.top(l)[j].score);
    }
  }
}

TEST(top_k_binned_percentiles_keep_their_bound) {
  Data data(50, 16, 11, true, 4);
  std::mt19937 rng(5);
  for (float& v : data.f) {
    if (v != 0) v *= std::exp(std::normal_distribution<float>(0, 3)(rng));
  }
  TopKOptions options;
  options.top_k = 3;
  const TopKAccumulator exact = accumulate(data, options, 64);
  options.max_exact_values = 100;
  const TopKAccumulator binned = accumulate(data, options, 64);
  CHECK(exact.percentile_error() == 0 && binned.percentile_error() == 1.0 / 256);
  for (int64_t l = 0; l < data.d_sae; ++l) {
    for (double p = 0; p <= 100; p += 2.5) {
      const double a = exact.percentile(l, p), b = binned.percentile(l, p);
      CHECK(std::fabs(a - b) <= std::fabs(a) / 256);
    }
    CHECK(exact.values(l).max() == binned.values(l).max());
    int64_t in_histogram = 0;
    const auto& v = binned.values(l);
    if (v.count() == 0) continue;
    for (const int64_t n : v.histogram(v.min(), v.max(), 20, false)) in_histogram += n;
    CHECK(in_histogram == v.count());
  }
}

TEST(top_k_samples_large_distributions) {
  const Data data(100, 10, 6, false, 6);
  TopKOptions options;
  options.top_k = 3;
  options.n_distributions = 5;
  options.max_distribution_bytes = 5 * 4 * 137;
  const TopKAccumulator a = accumulate(data, options, 77), b = accumulate(data, options, 1000);
  CHECK(a.distributions_sampled());
  CHECK(a.distribution_columns() == 137);
  CHECK(std::equal(a.distributions().begin(), a.distributions().end(), b.distributions().begin()));
  // Every column is the row of the same number: latent 1 to 4 of one row, in order.
  int64_t r = 0;
  for (int64_t c = 0; c < 137; ++c) {
    const auto same = [&](int64_t row) {
      for (int64_t l = 0; l < 5; ++l) {
        if (data.at(row, l) != a.distributions()[static_cast<size_t>(l * 137 + c)]) return false;
      }
      return true;
    };
    while (r < data.rows() && !same(r)) ++r;
    CHECK(r < data.rows());
    ++r;
  }
}

TEST(top_k_refuses_what_it_cannot_rank) {
  const Data data(4, 3, 5, false, 7);
  TopKOptions options;
  options.d_sae = 5;
  options.top_k = 2;
  options.patches = 3;
  options.rows = 12;
  const SparseBatch rows = data.sparse(0, 3);
  const std::vector<int64_t> image = {0, 0, 0}, patch = {0, 1, 2};
  {
    TopKAccumulator acc(options);
    acc.add(rows, image, patch);
    CHECK_THROWS(acc.finish(), Code::kInvalidArgument);  // rows are missing
  }
  TopKAccumulator acc(options);
  CHECK_THROWS(acc.add(rows, std::vector<int64_t>{1, 0, 0}, patch), Code::kInvalidArgument);
  CHECK_THROWS(acc.add(rows, image, std::vector<int64_t>{0, 1, 3}), Code::kInvalidArgument);
  CHECK_THROWS(acc.add(rows, std::vector<int64_t>{0}, patch), Code::kShapeMismatch);
  SparseBatch bad = data.sparse(0, 3);
  bad.row_start = {0, 0, 1, 1};
  bad.latent = {3};
  bad.value = {std::numeric_limits<float>::quiet_NaN()};
  CHECK_THROWS(acc.add(bad, image, patch), Code::kNumeric);
  options.sort_by = SortBy::kCls;
  CHECK_THROWS(TopKAccumulator{options}, Code::kInvalidArgument);
}

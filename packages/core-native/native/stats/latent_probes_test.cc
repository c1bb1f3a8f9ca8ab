#include "stats/latent_probes.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

struct Labelled {
  int64_t d_sae, units, rows_of_unit, n_classes;
  std::vector<float> dense;  ///< [unit][row][latent]
  std::vector<int32_t> label;
};

Labelled some_data(int64_t units, int64_t rows_of_unit, int64_t d_sae, int64_t n_classes, bool negative) {
  Labelled d{d_sae, units, rows_of_unit, n_classes, {}, {}};
  test::Random random(static_cast<uint64_t>(units + d_sae + negative));
  for (int64_t u = 0; u < units; ++u) {
    d.label.push_back(static_cast<int32_t>(random.bits() % static_cast<uint64_t>(n_classes + 1)) - 1);
    for (int64_t i = 0; i < rows_of_unit * d_sae; ++i) {
      // Few values, so that there are ties; a latent leans to the class of its number.
      const bool leans = i % d_sae % n_classes == d.label.back();
      const bool fires = random.uniform() < (leans ? 0.5 : 0.15);
      float value = fires ? static_cast<float>(1 + random.bits() % 4) : 0;
      if (negative && random.uniform() < 0.3) value = -value;
      d.dense.push_back(value);
    }
  }
  return d;
}

SparseBatch batch_of(const Labelled& d, int64_t first, int64_t rows, std::vector<int64_t>& unit,
                     std::vector<int32_t>& label) {
  SparseBatch f;
  f.rows = rows;
  f.d_sae = d.d_sae;
  f.row_start = {0};
  for (int64_t r = first; r < first + rows; ++r) {
    for (int64_t j = 0; j < d.d_sae; ++j) {
      const float v = d.dense[static_cast<size_t>(r * d.d_sae + j)];
      if (v == 0) continue;
      f.latent.push_back(static_cast<int32_t>(j));
      f.value.push_back(v);
    }
    f.row_start.push_back(static_cast<int64_t>(f.latent.size()));
    unit.push_back(r / d.rows_of_unit);
    label.push_back(d.label[static_cast<size_t>(r / d.rows_of_unit)]);
  }
  return f;
}

LatentProbes fed(const Labelled& d, int64_t batch, int64_t max_entries) {
  LatentProbes probes(d.d_sae, d.n_classes, max_entries, 7);
  for (int64_t r = 0; r < d.units * d.rows_of_unit; r += batch) {
    std::vector<int64_t> unit;
    std::vector<int32_t> label;
    const SparseBatch f = batch_of(d, r, std::min(batch, d.units * d.rows_of_unit - r), unit, label);
    probes.add(f, unit.data(), label.data());
  }
  return probes;
}

/// Average precision and the best F1 of a threshold above 0, for one latent and class, from all distinct
/// values.
std::pair<double, double> plain_probe(const Labelled& d, int64_t latent, int32_t c) {
  std::vector<std::pair<float, bool>> values;
  double positives = 0;
  for (int64_t u = 0; u < d.units; ++u) {
    if (d.label[static_cast<size_t>(u)] < 0) continue;
    float largest = -INFINITY;
    for (int64_t r = 0; r < d.rows_of_unit; ++r)
      largest = std::max(largest, d.dense[static_cast<size_t>((u * d.rows_of_unit + r) * d.d_sae + latent)]);
    values.emplace_back(largest, d.label[static_cast<size_t>(u)] == c);
    positives += d.label[static_cast<size_t>(u)] == c;
  }
  std::set<float, std::greater<>> thresholds;
  for (const auto& v : values) thresholds.insert(v.first);
  double ap = 0, best = 0, recall_before = 0;
  for (const float t : thresholds) {
    double hits = 0, chosen = 0;
    for (const auto& [value, is] : values) {
      if (value < t) continue;
      ++chosen;
      hits += is;
    }
    ap += (hits / positives - recall_before) * hits / chosen;
    recall_before = hits / positives;
    if (t > 0) best = std::max(best, 2 * hits / (chosen + positives));
  }
  return {ap, best};
}

}  // namespace

TEST(latent_probes_find_the_latents_that_plain_average_precision_and_f1_find) {
  constexpr double kTolerance = 1e-12;  // sums of few doubles in another order
  for (const bool negative : {false, true}) {
    for (const int64_t rows_of_unit : {1, 3}) {
      const Labelled d = some_data(80, rows_of_unit, 20, 4, negative);
      const ProbeResult found = fed(d, 7, 1'000'000).finish(Job());
      CHECK(found.seen == found.units && found.classes.size() == 4);
      for (int32_t c = 0; c < 4; ++c) {
        double ap = 0, f1 = 0;
        int64_t ap_latent = -1, f1_latent = -1;
        for (int64_t j = 0; j < d.d_sae; ++j) {
          const auto [a, b] = plain_probe(d, j, c);
          if (a > ap + 1e-12) ap = a, ap_latent = j;
          if (b > f1 + 1e-12) f1 = b, f1_latent = j;
        }
        const ClassProbe& probe = found.classes[static_cast<size_t>(c)];
        CHECK_CLOSE(probe.average_precision, ap, kTolerance);
        CHECK_CLOSE(probe.f1, f1, kTolerance);
        CHECK(probe.ap_latent == ap_latent && probe.f1_latent == f1_latent);
        CHECK_CLOSE(2 * probe.precision * probe.recall / (probe.precision + probe.recall), probe.f1,
                    kTolerance);
        CHECK(probe.threshold > 0 && probe.average_precision > probe.base_rate);
      }
    }
  }
}

TEST(latent_probes_do_not_depend_on_batches_and_thin_out_evenly) {
  const Labelled d = some_data(4000, 2, 16, 3, false);
  const ProbeResult all = fed(d, 100, 1 << 30).finish(Job()), a = fed(d, 100, 3000).finish(Job()),
                    b = fed(d, 37, 3000).finish(Job());
  CHECK(a.units == b.units && a.seen == all.seen && a.units < a.seen / 4 && a.units > 100);
  for (size_t c = 0; c < 3; ++c) {
    CHECK(a.classes[c].average_precision == b.classes[c].average_precision &&
          a.classes[c].ap_latent == b.classes[c].ap_latent && a.classes[c].f1 == b.classes[c].f1);
    // A sample of some hundred units: 0.1 is four standard errors of a share.
    CHECK_CLOSE(a.classes[c].base_rate, all.classes[c].base_rate, 0.1);
    CHECK_CLOSE(a.classes[c].f1, all.classes[c].f1, 0.1);
  }
}

TEST(latent_probes_of_nothing_and_of_what_does_not_fit) {
  CHECK_THROWS(LatentProbes(0, 1, 1, 0), Code::kInvalidArgument);
  CHECK_THROWS(LatentProbes(1, 0, 1, 0), Code::kInvalidArgument);
  CHECK_THROWS(LatentProbes(1, 1, 0, 0), Code::kInvalidArgument);
  const ProbeResult none = LatentProbes(4, 2, 10, 0).finish(Job());
  CHECK(none.units == 0 && none.classes.size() == 2 && none.classes[0].ap_latent == -1);

  const Labelled d = some_data(10, 1, 8, 2, false);
  LatentProbes probes(8, 2, 1000, 0);
  std::vector<int64_t> unit;
  std::vector<int32_t> label;
  const SparseBatch f = batch_of(d, 0, 10, unit, label);
  auto wrong = label;
  wrong[9] = 2;
  CHECK_THROWS(probes.add(f, unit.data(), wrong.data()), Code::kInvalidArgument);
  auto descending = unit;
  descending[9] = 0;
  CHECK_THROWS(probes.add(f, descending.data(), label.data()), Code::kInvalidArgument);
  SparseBatch other = f;
  other.d_sae = 9;
  CHECK_THROWS(probes.add(other, unit.data(), label.data()), Code::kShapeMismatch);
  other = f;
  other.latent[0] = 8;
  CHECK_THROWS(probes.add(other, unit.data(), label.data()), Code::kShapeMismatch);
  std::vector<int32_t> unlabelled(10, -1);
  probes.add(f, unit.data(), unlabelled.data());
  CHECK(probes.finish(Job()).seen == 0);
  CHECK_THROWS(probes.finish(Job()), Code::kInvalidArgument);
  CHECK_THROWS(probes.add(f, unit.data(), label.data()), Code::kInvalidArgument);
}

}  // namespace saev

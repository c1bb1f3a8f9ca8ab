#include "stats/latent_probes.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/mix64.h"
#include "core/parallel.h"

namespace saev {
namespace {

/// SplitMix64: a sample by hash does not depend on how rows come in batches.
uint64_t hash(uint64_t x) {
  return mix64(x + 0x9e3779b97f4a7c15ULL);
}

struct Labelled {
  float value;
  int32_t label;
};

/// Walks the units of one latent from its largest value down, and keeps each class's best.
class Walk {
 public:
  Walk(const std::vector<int64_t>& positives, int64_t units)
      : positives_(positives),
        units_(units),
        hits_(positives.size()),
        gain_(positives.size()),
        precision_(positives.size()),
        f1_(positives.size()),
        best(positives.size()) {}

  /// `entries` are sorted here.
  void latent(int64_t j, Labelled* begin, Labelled* end) {
    std::sort(begin, end, [](const Labelled& a, const Labelled& b) { return a.value > b.value; });
    const Labelled* above = std::partition_point(begin, end, [](const Labelled& e) { return e.value > 0; });
    seen_ = 0;
    classes_.clear();
    // Of the units in which it is silent, each class has what no entry accounts for; they rank between values
    // above and below 0.
    groups(begin, above, true);
    silent(above, end, units_ - (end - begin));
    groups(above, end, false);
    for (const int32_t c : classes_) {
      ClassProbe& b = best[static_cast<size_t>(c)];
      const double ap = precision_[static_cast<size_t>(c)];
      if (ap > b.average_precision || b.ap_latent < 0) {
        b.average_precision = ap;
        b.ap_latent = j;
      }
      const Cut& cut = f1_[static_cast<size_t>(c)];
      if (cut.f1 > b.f1) {
        b.f1 = cut.f1;
        b.precision = cut.precision;
        b.recall = cut.recall;
        b.threshold = cut.threshold;
        b.f1_latent = j;
      }
      hits_[static_cast<size_t>(c)] = 0;
      precision_[static_cast<size_t>(c)] = 0;
      f1_[static_cast<size_t>(c)] = {};
    }
  }

 private:
  struct Cut {
    double f1 = 0, precision = 0, recall = 0, threshold = 0;
  };

  void groups(const Labelled* begin, const Labelled* end, bool fires) {
    for (const Labelled* at = begin; at < end;) {
      const Labelled* next = at;
      group_.clear();
      for (; next < end && next->value == at->value; ++next) {
        if (gain_[static_cast<size_t>(next->label)]++ == 0) group_.push_back(next->label);
      }
      seen_ += next - at;
      for (const int32_t c : group_) count(c, gain_[static_cast<size_t>(c)], fires, at->value);
      at = next;
    }
  }

  void silent(const Labelled* below, const Labelled* end, int64_t n) {
    if (n <= 0) return;
    seen_ += n;
    for (const Labelled* at = below; at < end; ++at) ++gain_[static_cast<size_t>(at->label)];
    // Classes that appear only below 0 are found there; their silent units count first.
    std::vector<int32_t> all = classes_;
    for (const Labelled* at = below; at < end; ++at) {
      if (hits_[static_cast<size_t>(at->label)] == 0 &&
          std::find(all.begin(), all.end(), at->label) == all.end()) {
        all.push_back(at->label);
      }
    }
    std::vector<int64_t> later;
    for (const int32_t c : all) later.push_back(gain_[static_cast<size_t>(c)]);
    for (const int32_t c : all) gain_[static_cast<size_t>(c)] = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      const auto c = static_cast<size_t>(all[i]);
      const int64_t gained = positives_[c] - hits_[c] - later[i];
      if (gained > 0) count(all[i], gained, false, 0);
    }
  }

  void count(int32_t label, int64_t gained, bool fires, float value) {
    const auto c = static_cast<size_t>(label);
    if (hits_[c] == 0) classes_.push_back(label);
    hits_[c] += gained;
    gain_[c] = 0;
    const double precision = static_cast<double>(hits_[c]) / static_cast<double>(seen_);
    precision_[c] += precision * static_cast<double>(gained) / static_cast<double>(positives_[c]);
    if (!fires) return;
    const double f1 = 2.0 * static_cast<double>(hits_[c]) / static_cast<double>(seen_ + positives_[c]);
    if (f1 > f1_[c].f1) {
      f1_[c] = {f1, precision, static_cast<double>(hits_[c]) / static_cast<double>(positives_[c]), value};
    }
  }

  const std::vector<int64_t>& positives_;
  int64_t units_, seen_ = 0;
  std::vector<int64_t> hits_, gain_;
  std::vector<double> precision_;
  std::vector<Cut> f1_;
  std::vector<int32_t> classes_, group_;

 public:
  std::vector<ClassProbe> best;
};

}  // namespace

LatentProbes::LatentProbes(int64_t d_sae, int64_t n_classes, int64_t max_entries, uint64_t seed)
    : d_sae_(d_sae), n_classes_(n_classes), max_entries_(max_entries), seed_(seed) {
  constexpr int64_t kLargest = int64_t{1} << 31;
  if (d_sae < 1 || d_sae > kLargest || n_classes < 1 || n_classes > kLargest)
    throw Error(Code::kInvalidArgument, "d_sae and the number of classes must be from 1 to 2^31");
  if (max_entries < 1) throw Error(Code::kInvalidArgument, "maxEntries must be at least 1");
  largest_.resize(static_cast<size_t>(d_sae));
  fired_.resize(static_cast<size_t>(d_sae));
}

void LatentProbes::add(const SparseBatch& f, const int64_t* unit, const int32_t* label) {
  if (finished_) throw Error(Code::kInvalidArgument, "these probes are finished; begin new ones");
  if (f.d_sae != d_sae_) {
    throw Error(Code::kShapeMismatch, "these probes are of " + std::to_string(d_sae_) + " latents, found " +
                                          std::to_string(f.d_sae));
  }
  int64_t before = current_;
  for (int64_t r = 0; r < f.rows; ++r) {
    if (unit[r] < before) {
      throw Error(Code::kInvalidArgument,
                  "units must ascend, found " + std::to_string(unit[r]) + " after " + std::to_string(before));
    }
    if (label[r] < -1 || label[r] >= n_classes_) {
      throw Error(Code::kInvalidArgument, "labels must be from -1 to " + std::to_string(n_classes_ - 1) +
                                              ", found " + std::to_string(label[r]));
    }
    before = unit[r];
  }
  for (const int32_t j : f.latent) {
    if (j < 0 || j >= d_sae_)
      throw Error(Code::kShapeMismatch, "latent " + std::to_string(j) + " does not exist in this SAE");
  }
  for (int64_t r = 0; r < f.rows; ++r) {
    if (unit[r] != current_) {
      close_unit();
      current_ = unit[r];
      current_label_ = label[r];
      current_rows_ = 0;
    }
    ++current_rows_;
    if (current_label_ < 0) continue;
    for (int64_t q = f.row_start[static_cast<size_t>(r)]; q < f.row_start[static_cast<size_t>(r) + 1]; ++q) {
      const auto j = static_cast<size_t>(f.latent[static_cast<size_t>(q)]);
      const float value = f.value[static_cast<size_t>(q)];
      if (fired_[j]++ == 0) {
        largest_[j] = value;
        touched_.push_back(static_cast<uint32_t>(j));
      } else {
        largest_[j] = std::max(largest_[j], value);
      }
    }
  }
}

void LatentProbes::close_unit() {
  if (current_ >= 0 && current_label_ >= 0) {
    ++seen_;
    const uint64_t h = hash(static_cast<uint64_t>(current_) ^ hash(seed_));
    if (h <= bound_ && units_.size() < UINT32_MAX) {
      for (const uint32_t j : touched_) {
        // Below 0 here and silent in another row: 0 is the largest.
        if (largest_[j] > 0 || (largest_[j] < 0 && fired_[j] == current_rows_))
          entries_.push_back({static_cast<uint32_t>(units_.size()), j, largest_[j]});
      }
      units_.push_back({h, current_label_});
      while (static_cast<int64_t>(entries_.size()) > max_entries_ && bound_ > 0) thin();
    }
  }
  for (const uint32_t j : touched_) fired_[j] = 0;
  touched_.clear();
}

void LatentProbes::thin() {
  bound_ /= 2;
  std::vector<uint32_t> number(units_.size(), UINT32_MAX);
  uint32_t kept = 0;
  for (size_t u = 0; u < units_.size(); ++u) {
    if (units_[u].hash > bound_) continue;
    number[u] = kept;
    units_[kept++] = units_[u];
  }
  units_.resize(kept);
  size_t used = 0;
  for (const Entry& e : entries_) {
    if (number[e.unit] != UINT32_MAX) entries_[used++] = {number[e.unit], e.latent, e.value};
  }
  entries_.resize(used);
}

ProbeResult LatentProbes::finish(const Job& job) {
  if (finished_) throw Error(Code::kInvalidArgument, "these probes are finished; begin new ones");
  finished_ = true;
  close_unit();
  const auto latents = static_cast<size_t>(d_sae_);
  ProbeResult out;
  out.units = static_cast<int64_t>(units_.size());
  out.seen = seen_;
  std::vector<int64_t> positives(static_cast<size_t>(n_classes_));
  for (const Unit& u : units_) ++positives[static_cast<size_t>(u.label)];

  std::vector<size_t> start(latents + 1);
  for (const Entry& e : entries_) ++start[e.latent + 1];
  for (size_t j = 0; j < latents; ++j) start[j + 1] += start[j];
  std::vector<Labelled> sorted(entries_.size());
  std::vector<size_t> at(start.begin(), start.end() - 1);
  for (const Entry& e : entries_) sorted[at[e.latent]++] = {e.value, units_[e.unit].label};
  entries_ = {};

  constexpr int64_t kChunk = 256;
  std::vector<Walk> walks(static_cast<size_t>(num_threads()), Walk(positives, out.units));
  parallel_tasks((d_sae_ + kChunk - 1) / kChunk, [&](int64_t task, int thread) {
    job.check_abort();
    for (int64_t j = task * kChunk; j < std::min(d_sae_, (task + 1) * kChunk); ++j) {
      const auto i = static_cast<size_t>(j);
      if (start[i] < start[i + 1])
        walks[static_cast<size_t>(thread)].latent(j, sorted.data() + start[i], sorted.data() + start[i + 1]);
    }
  });
  // Which thread saw which latent is not fixed: of equals the lower latent is the best.
  out.classes.resize(positives.size());
  for (size_t c = 0; c < positives.size(); ++c) {
    ClassProbe& best = out.classes[c];
    best.n = positives[c];
    best.base_rate = out.units > 0 ? static_cast<double>(positives[c]) / static_cast<double>(out.units) : 0;
    for (const Walk& walk : walks) {
      const ClassProbe& found = walk.best[c];
      const auto better = [](double a, int64_t i, double b, int64_t k) {
        return i >= 0 && (k < 0 || a > b || (a == b && i < k));
      };
      if (better(found.average_precision, found.ap_latent, best.average_precision, best.ap_latent)) {
        best.average_precision = found.average_precision;
        best.ap_latent = found.ap_latent;
      }
      if (better(found.f1, found.f1_latent, best.f1, best.f1_latent)) {
        best.f1 = found.f1;
        best.precision = found.precision;
        best.recall = found.recall;
        best.threshold = found.threshold;
        best.f1_latent = found.f1_latent;
      }
    }
  }
  return out;
}

}  // namespace saev

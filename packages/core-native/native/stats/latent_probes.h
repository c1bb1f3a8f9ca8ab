#pragma once
// One-latent probes: how well a class is told by one latent alone, for every class the best latent. A unit is
// what has a class: a picture, whose value is the largest of its patches, or a patch.

#include <cstdint>
#include <vector>

#include "core/job.h"
#include "sae/sparse_batch.h"

namespace saev {

/// The best latent of one class by average precision, and by F1 of "it fires at or above a threshold".
struct ClassProbe {
  int64_t n = 0;           ///< units of the class
  double base_rate = 0;    ///< n / units: the average precision of chance
  int64_t ap_latent = -1;  ///< −1 where no latent fires in the class
  double average_precision = 0;
  int64_t f1_latent = -1;
  double f1 = 0, precision = 0, recall = 0;
  double threshold = 0;  ///< smallest value that counts as firing
};

struct ProbeResult {
  int64_t units = 0;  ///< units with a class that were used
  int64_t seen = 0;   ///< units with a class that were there
  std::vector<ClassProbe> classes;
};

/**
 * Values of every latent in units with classes. Memory: 12 bytes for each active latent of a unit, up to
 * `max_entries`; with more, a sample of the units is kept, the same whatever the batches: those whose hash
 * lies below a bound that is halved as often as it takes.
 */
class LatentProbes {
 public:
  /// Throws Code::kInvalidArgument.
  LatentProbes(int64_t d_sae, int64_t n_classes, int64_t max_entries, uint64_t seed);

  /// Adds rows. `unit` [rows] ascends, rows of a unit lie next to each other and may go on in the next batch;
  /// `label` [rows] is the class of the row's unit, below n_classes; −1: it has none and is left out. Throws
  /// Code::kShapeMismatch, Code::kInvalidArgument; nothing is added then.
  void add(const SparseBatch& f, const int64_t* unit, const int32_t* label);

  /// The result; `add` must not be called afterwards. Takes 8 bytes an entry more.
  ProbeResult finish(const Job& job);

  int64_t d_sae() const { return d_sae_; }

 private:
  struct Entry {
    uint32_t unit;  ///< in `units_`
    uint32_t latent;
    float value;
  };
  struct Unit {
    uint64_t hash;
    int32_t label;
  };
  void close_unit();
  void thin();

  int64_t d_sae_, n_classes_, max_entries_;
  uint64_t seed_, bound_ = ~uint64_t{0};
  int64_t current_ = -1, seen_ = 0;
  int32_t current_label_ = -1;
  uint32_t current_rows_ = 0;
  bool finished_ = false;
  std::vector<Unit> units_;
  std::vector<Entry> entries_;
  std::vector<float> largest_;     ///< [d_sae] of the current unit
  std::vector<uint32_t> fired_;    ///< [d_sae] rows of the current unit in which a latent is active
  std::vector<uint32_t> touched_;  ///< latents of the current unit
};

}  // namespace saev

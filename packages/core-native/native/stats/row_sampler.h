#pragma once
// Which rows of a stream are kept, when not all can be: an exact number of them, each equally likely, known
// from a seed alone (selection sampling, Knuth vol. 2, algorithm 3.4.2 S).

#include <cstdint>

#include "core/mix64.h"

namespace saev {

class RowSampler {
 public:
  /// Keeps min(`wanted`, `total`) of `total` rows.
  RowSampler(int64_t total, int64_t wanted, uint64_t seed) : left_(total), wanted_(wanted), state_(seed) {
    if (wanted_ > left_) wanted_ = left_;
  }

  /// The column of the next row, or −1 when it is not kept. Columns count up.
  int64_t next() {
    const int64_t here = left_--;
    if (wanted_ == 0 || here <= 0) return -1;
    if (wanted_ < here && static_cast<double>(random() >> 11) * 0x1p-53 * static_cast<double>(here) >=
                              static_cast<double>(wanted_)) {
      return -1;
    }
    --wanted_;
    return column_++;
  }

 private:
  /// SplitMix64.
  uint64_t random() { return mix64(state_ += 0x9e3779b97f4a7c15ULL); }

  int64_t left_, wanted_, column_ = 0;
  uint64_t state_;
};

}  // namespace saev

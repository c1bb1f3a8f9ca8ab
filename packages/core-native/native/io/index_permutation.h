#pragma once
// A shuffled order of n rows that takes no memory: position → row, computed. A dataset of a billion rows
// would need 8 GB for a stored permutation, and a checkpoint would have to hold it; this one is its seed.

#include <array>
#include <cstdint>

#include "core/mix64.h"

namespace saev {

/// A bijection of [0, n), chosen by `seed`: a balanced Feistel network of six rounds over the next even
/// number of bits (Luby and Rackoff, 1988), walked again while the result lies outside (Black and Rogaway,
/// 2002; at most 4 walks on average). Not cryptography: the round function is a 64-bit mixer.
class IndexPermutation {
 public:
  IndexPermutation(int64_t n, uint64_t seed);

  int64_t size() const { return n_; }
  /// The row at `position`, both in [0, n).
  int64_t operator()(int64_t position) const;

 private:
  static constexpr int kRounds = 6;
  int64_t n_;
  int half_bits_;
  uint64_t half_mask_;
  std::array<uint64_t, kRounds> keys_{};
};

}  // namespace saev

#include "io/index_permutation.h"

#include <algorithm>

namespace saev {

IndexPermutation::IndexPermutation(int64_t n, uint64_t seed) : n_(n) {
  int bits = 2;
  while (bits < 62 && (int64_t{1} << bits) < n) bits += 2;
  half_bits_ = bits / 2;
  half_mask_ = (uint64_t{1} << half_bits_) - 1;
  uint64_t state = seed;
  for (uint64_t& key : keys_) {
    state += 0x9e3779b97f4a7c15ULL;
    key = mix64(state);
  }
}

int64_t IndexPermutation::operator()(int64_t position) const {
  auto value = static_cast<uint64_t>(position);
  do {
    uint64_t left = value >> half_bits_, right = value & half_mask_;
    for (const uint64_t key : keys_) {
      const uint64_t next = left ^ (mix64(right + key) & half_mask_);
      left = right;
      right = next;
    }
    value = (left << half_bits_) | right;
  } while (value >= static_cast<uint64_t>(n_));
  return static_cast<int64_t>(value);
}

}  // namespace saev

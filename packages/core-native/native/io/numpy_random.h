#pragma once
// NumPy's default generator, as far as the Python package uses it: `default_rng(seed).permutation(n)` chooses
// the rows from which the scaling is computed, so the same choice gives the same numbers. PCG64 XSL-RR 128/64
// (O'Neill, 2014), seeded through NumPy's SeedSequence.

#include <cstdint>
#include <vector>

namespace saev {

class NumpyGenerator {
 public:
  explicit NumpyGenerator(uint64_t seed);

  uint64_t next64();
  /// Low half of a 64-bit draw first, then its high half.
  uint32_t next32();
  /// Uniform in [0, bound]: draws, cut to the bits of `bound`, until one fits. 32-bit draws while bound <
  /// 2^32.
  uint64_t bounded(uint64_t bound);

 private:
  void step();

  unsigned __int128 state_ = 0;
  unsigned __int128 increment_ = 0;
  uint32_t buffered_ = 0;
  bool has_buffered_ = false;
};

/// The first `count` entries of `default_rng(seed).permutation(n)`. Takes 4 bytes × n of memory (8 from 2^32
/// rows on) while it runs. Throws Code::kInvalidArgument unless 0 ≤ count ≤ n.
std::vector<int64_t> numpy_permutation(uint64_t seed, int64_t n, int64_t count);

}  // namespace saev

#pragma once
// Reproducible numbers for tests.

#include <cmath>
#include <cstdint>
#include <vector>

namespace saev::test {

/// SplitMix64, and normal numbers from it.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t bits() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  float normal() {
    const double u = 1 - uniform(), v = uniform();
    return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v));
  }
  void fill(float* out, int64_t n, float scale = 1) {
    for (int64_t i = 0; i < n; ++i) out[i] = scale * normal();
  }

 private:
  uint64_t state_;
};

}  // namespace saev::test

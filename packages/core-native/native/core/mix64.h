#pragma once

#include <cstdint>

namespace saev {

/// SplitMix64's finaliser (Steele, Lea and Flood, 2014): every input bit moves every output bit.
inline uint64_t mix64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace saev

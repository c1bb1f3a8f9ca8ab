#pragma once
// SHA-256 (FIPS 180-4), for the checksums of shards: what `sha256sum` prints.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace saev {

/// A running SHA-256. Uses the processor's SHA instructions where it has them.
class Sha256 {
 public:
  void update(const void* data, size_t size);
  /// `size` bytes of zeros.
  void update_zeros(uint64_t size);
  /// The digest in hex of everything given so far; the object must be assigned anew before it is used again.
  std::string hex();

 private:
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint64_t size_ = 0;
  std::array<uint8_t, 64> rest_{};  ///< size_ % 64 bytes that fill no block yet
};

/// The plain form that the other one is tested against: `blocks` blocks of 64 bytes into `state`.
void sha256_blocks_plain(uint32_t* state, const uint8_t* data, size_t blocks);

}  // namespace saev

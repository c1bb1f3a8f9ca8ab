#include "io/numpy_random.h"

#include <array>
#include <numeric>
#include <string>
#include <utility>

#include "core/error.h"

namespace saev {
namespace {

/// SeedSequence(seed).generate_state(4, uint64): a pool of four words, hashed and mixed.
std::array<uint64_t, 4> seed_sequence(uint64_t seed) {
  constexpr uint32_t kInitA = 0x43b0d7e5, kMultA = 0x931e8875, kInitB = 0x8b51f9dd, kMultB = 0x58f38ded;
  constexpr uint32_t kMixLeft = 0xca01f9dd, kMixRight = 0x4973f715;
  uint32_t hash_const = kInitA;
  const auto hash = [&hash_const](uint32_t value) {
    value ^= hash_const;
    hash_const *= kMultA;
    value *= hash_const;
    return value ^ (value >> 16);
  };
  const auto mix = [](uint32_t x, uint32_t y) {
    const uint32_t mixed = kMixLeft * x - kMixRight * y;
    return mixed ^ (mixed >> 16);
  };
  // The entropy is the seed's 32-bit words, zeros beyond; two words never overflow the pool of four.
  std::array<uint32_t, 4> pool{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), 0, 0};
  for (uint32_t& word : pool) word = hash(word);
  for (size_t from = 0; from < 4; ++from) {
    for (size_t to = 0; to < 4; ++to) {
      if (from != to) pool[to] = mix(pool[to], hash(pool[from]));
    }
  }
  std::array<uint64_t, 4> out{};
  hash_const = kInitB;
  for (size_t i = 0; i < 8; ++i) {
    uint32_t word = pool[i % 4] ^ hash_const;
    hash_const *= kMultB;
    word *= hash_const;
    word ^= word >> 16;
    out[i / 2] |= static_cast<uint64_t>(word) << (i % 2 * 32);
  }
  return out;
}

unsigned __int128 wide(uint64_t high, uint64_t low) {
  return (static_cast<unsigned __int128>(high) << 64) | low;
}

/// Fisher–Yates from the end, as `Generator.shuffle` does it.
template <typename T>
std::vector<int64_t> shuffled_prefix(NumpyGenerator& generator, int64_t n, int64_t count) {
  std::vector<T> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), T{0});
  for (int64_t i = n - 1; i > 0; --i) {
    const uint64_t j = generator.bounded(static_cast<uint64_t>(i));
    std::swap(order[static_cast<size_t>(i)], order[j]);
  }
  return {order.begin(), order.begin() + count};
}

}  // namespace

NumpyGenerator::NumpyGenerator(uint64_t seed) {
  const auto words = seed_sequence(seed);
  increment_ = (wide(words[2], words[3]) << 1) | 1;
  step();
  state_ += wide(words[0], words[1]);
  step();
}

void NumpyGenerator::step() {
  constexpr uint64_t kHigh = 0x2360ed051fc65da4, kLow = 0x4385df649fccf645;
  state_ = state_ * wide(kHigh, kLow) + increment_;
}

uint64_t NumpyGenerator::next64() {
  step();
  const auto folded = static_cast<uint64_t>(state_ >> 64) ^ static_cast<uint64_t>(state_);
  const auto rotation = static_cast<unsigned>(state_ >> 122);
  return (folded >> rotation) | (folded << (-rotation & 63));
}

uint32_t NumpyGenerator::next32() {
  if (has_buffered_) {
    has_buffered_ = false;
    return buffered_;
  }
  const uint64_t draw = next64();
  has_buffered_ = true;
  buffered_ = static_cast<uint32_t>(draw >> 32);
  return static_cast<uint32_t>(draw);
}

uint64_t NumpyGenerator::bounded(uint64_t bound) {
  if (bound == 0) return 0;
  uint64_t mask = bound;
  for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
  for (;;) {
    const uint64_t draw = (bound <= UINT32_MAX ? next32() : next64()) & mask;
    if (draw <= bound) return draw;
  }
}

std::vector<int64_t> numpy_permutation(uint64_t seed, int64_t n, int64_t count) {
  if (n < 0 || count < 0 || count > n) {
    throw Error(Code::kInvalidArgument, "permutation: expected 0 <= count <= n, found count " +
                                            std::to_string(count) + " and n " + std::to_string(n));
  }
  NumpyGenerator generator(seed);
  return n <= int64_t{UINT32_MAX} ? shuffled_prefix<uint32_t>(generator, n, count)
                                  : shuffled_prefix<uint64_t>(generator, n, count);
}

}  // namespace saev

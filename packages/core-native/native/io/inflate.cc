#include "io/inflate.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/crc32.h"
#include "core/error.h"

namespace saev {
namespace {

constexpr int kMaxBits = 15;          ///< longest code
constexpr int kFastBits = 9;          ///< codes up to this length are found in one step
constexpr size_t kMaxLiterals = 286;  ///< 256 bytes, the end, 29 lengths
constexpr size_t kMaxDistances = 30;
constexpr int kEndOfBlock = 256;

class Inflater {
 public:
  Inflater(std::span<const std::byte> in, std::span<std::byte> out, const std::string& where)
      : in_(in), out_(out), where_(where) {}

  void run() {
    bool last = false;
    while (!last) {
      last = bits(1) != 0;
      switch (bits(2)) {
        case 0:
          stored();
          break;
        case 1:
          fixed_codes();
          block();
          break;
        case 2:
          dynamic_codes();
          block();
          break;
        default:
          fail("a block of no kind");
      }
    }
    if (written_ != out_.size()) fail("fewer bytes than it should have");
  }

  [[noreturn]] void fail(const char* what) const {
    throw Error(Code::kBadFile, where_ + " cannot be unpacked: " + what + "; the file is damaged");
  }

 private:
  /// A canonical Huffman code: symbols in the order of their codes, and how many codes there are of each
  /// length.
  struct Huffman {
    std::array<uint16_t, kMaxBits + 1> count{};
    std::array<uint16_t, 288> symbol{};
    std::array<uint16_t, 1 << kFastBits> fast{};  ///< symbol << 4 | length by the next bits; 0: not so short
  };

  void refill() {
    while (held_ <= 56 && at_ < in_.size()) {
      hold_ |= static_cast<uint64_t>(in_[at_++]) << held_;
      held_ += 8;
    }
  }
  void drop(int n) {
    hold_ >>= n;
    held_ -= n;
  }
  uint32_t bits(int n) {
    refill();
    if (held_ < n) fail("it ends in the middle");
    const auto value = static_cast<uint32_t>(hold_ & ((uint64_t{1} << n) - 1));
    drop(n);
    return value;
  }

  /// The code that these lengths stand for. A single code may leave the others unused, as zlib allows it.
  void build(Huffman& code, std::span<const uint8_t> lengths, bool may_be_short) {
    code = {};
    for (const uint8_t length : lengths) ++code.count[length];
    code.count[0] = 0;
    int left = 1, longest = 0;
    for (int length = 1; length <= kMaxBits; ++length) {
      left = 2 * left - code.count[static_cast<size_t>(length)];
      if (left < 0) fail("more codes than fit");
      if (code.count[static_cast<size_t>(length)] > 0) longest = length;
    }
    if (left > 0 && longest > 0 && !(may_be_short && longest == 1)) fail("codes that lead nowhere");
    std::array<uint16_t, kMaxBits + 2> place{};
    std::array<uint32_t, kMaxBits + 2> next{};
    for (size_t length = 1; length <= kMaxBits; ++length) {
      place[length + 1] = static_cast<uint16_t>(place[length] + code.count[length]);
      next[length + 1] = (next[length] + code.count[length]) << 1;
    }
    for (size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      const size_t length = lengths[symbol];
      if (length == 0) continue;
      code.symbol[place[length]++] = static_cast<uint16_t>(symbol);
      uint32_t reversed = 0;
      for (size_t bit = 0, value = next[length]++; bit < length; ++bit, value >>= 1)
        reversed = reversed << 1 | (value & 1);
      if (length > kFastBits) continue;
      for (uint32_t i = reversed; i < code.fast.size(); i += 1U << length)
        code.fast[i] = static_cast<uint16_t>(symbol << 4 | length);
    }
  }

  int decode(const Huffman& code) {
    refill();
    const uint16_t entry = code.fast[hold_ & (code.fast.size() - 1)];
    const int length = entry & 15;
    if (length != 0 && length <= held_) {
      drop(length);
      return entry >> 4;
    }
    int value = 0, first = 0, place = 0;
    for (int n = 1; n <= kMaxBits && n <= held_; ++n) {
      value |= static_cast<int>(hold_ >> (n - 1) & 1);
      const int count = code.count[static_cast<size_t>(n)];
      if (value - first < count) {
        drop(n);
        return code.symbol[static_cast<size_t>(place + value - first)];
      }
      place += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    fail("a code that stands for nothing");
  }

  void fixed_codes() {
    std::array<uint8_t, 288> lengths;
    for (size_t i = 0; i < lengths.size(); ++i) {
      lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    }
    build(literals_, lengths, false);
    std::array<uint8_t, 32> distances;
    distances.fill(5);
    build(distances_, distances, false);
  }

  void dynamic_codes() {
    static constexpr std::array<uint8_t, 19> kOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                       11, 4,  12, 3, 13, 2, 14, 1, 15};
    const size_t n_literals = bits(5) + 257, n_distances = bits(5) + 1, n_lengths = bits(4) + 4;
    if (n_literals > kMaxLiterals || n_distances > kMaxDistances) fail("more symbols than there are");
    std::array<uint8_t, 19> small{};
    for (size_t i = 0; i < n_lengths; ++i) small[kOrder[i]] = static_cast<uint8_t>(bits(3));
    build(literals_, small, false);
    std::array<uint8_t, kMaxLiterals + kMaxDistances> lengths{};
    for (size_t i = 0; i < n_literals + n_distances;) {
      const int symbol = decode(literals_);
      if (symbol < 16) {
        lengths[i++] = static_cast<uint8_t>(symbol);
        continue;
      }
      if (symbol == 16 && i == 0) fail("a length that repeats nothing");
      const uint8_t length = symbol == 16 ? lengths[i - 1] : uint8_t{0};
      const size_t times = symbol == 16 ? 3 + bits(2) : symbol == 17 ? 3 + bits(3) : 11 + bits(7);
      if (times > n_literals + n_distances - i) fail("more lengths than symbols");
      std::fill_n(lengths.begin() + static_cast<ptrdiff_t>(i), times, length);
      i += times;
    }
    if (lengths[kEndOfBlock] == 0) fail("a block without an end");
    const std::span<const uint8_t> all = lengths;
    build(literals_, all.first(n_literals), true);
    build(distances_, all.subspan(n_literals, n_distances), true);
  }

  void stored() {
    drop(held_ % 8);
    const uint32_t size = bits(16), check = bits(16);
    if ((size ^ check) != 0xffff) fail("a stored block of two sizes");
    // What was read ahead goes back.
    at_ -= static_cast<size_t>(held_ / 8);
    hold_ = 0;
    held_ = 0;
    if (size > in_.size() - at_) fail("it ends in the middle");
    if (size > out_.size() - written_) fail("more bytes than it should have");
    if (size > 0) std::memcpy(out_.data() + written_, in_.data() + at_, size);
    at_ += size;
    written_ += size;
  }

  void block() {
    static constexpr std::array<uint16_t, 29> kLength = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
    static constexpr std::array<uint8_t, 29> kLengthBits = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                            2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static constexpr std::array<uint16_t, kMaxDistances> kDistance = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    for (;;) {
      const int symbol = decode(literals_);
      if (symbol == kEndOfBlock) return;
      if (symbol < kEndOfBlock) {
        if (written_ == out_.size()) fail("more bytes than it should have");
        out_[written_++] = static_cast<std::byte>(symbol);
        continue;
      }
      const auto which = static_cast<size_t>(symbol - kEndOfBlock - 1);
      if (which >= kLength.size()) fail("a length of no size");
      const size_t length = kLength[which] + bits(kLengthBits[which]);
      const auto far = static_cast<size_t>(decode(distances_));
      if (far >= kDistance.size()) fail("a distance of no size");
      const size_t distance = kDistance[far] + bits(far < 2 ? 0 : static_cast<int>(far / 2 - 1));
      if (distance > written_) fail("a copy from before its start");
      if (length > out_.size() - written_) fail("more bytes than it should have");
      // Byte by byte: source and target may overlap, which repeats.
      for (size_t i = 0; i < length; ++i, ++written_) out_[written_] = out_[written_ - distance];
    }
  }

  std::span<const std::byte> in_;
  std::span<std::byte> out_;
  const std::string& where_;
  size_t at_ = 0, written_ = 0;
  uint64_t hold_ = 0;
  int held_ = 0;
  Huffman literals_, distances_;
};

}  // namespace

void inflate(std::span<const std::byte> packed, std::span<std::byte> out, uint32_t crc,
             const std::string& where) {
  Inflater inflater(packed, out, where);
  inflater.run();
  if (crc32(0, out.data(), out.size()) != crc) inflater.fail("its checksum is wrong");
}

}  // namespace saev

#include "kernels/cpu/half_rows.h"

#include <bit>

namespace saev {

#define SAEV_DECLARE(level)                                          \
  namespace level {                                                  \
  void widen_float16(const uint16_t* x, int64_t n, float* out);      \
  void widen_bfloat16(const uint16_t* x, int64_t n, float* out);     \
  int64_t narrow_float16(const float* x, int64_t n, uint16_t* out);  \
  int64_t narrow_bfloat16(const float* x, int64_t n, uint16_t* out); \
  }
SAEV_DECLARE(avx2)
SAEV_DECLARE(avx512)
SAEV_DECLARE(neon)
#undef SAEV_DECLARE

namespace {

constexpr uint32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000;

float float_of_float16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 31, fraction = half & 0x3ff;
  if (exponent == 0) {  // below 2^-14: fraction · 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  if (exponent == 31) {
    const uint32_t quiet = fraction == 0 ? 0 : 0x400000;
    return std::bit_cast<float>(sign | kInfinity | quiet | (fraction << 13));
  }
  return std::bit_cast<float>(sign | ((exponent + 127 - 15) << 23) | (fraction << 13));
}

/// `value` without its lowest `bits` bits, rounded to nearest, ties to even.
uint32_t rounded(uint32_t value, uint32_t bits) {
  const uint32_t kept = value >> bits, half = uint32_t{1} << (bits - 1);
  const uint32_t rest = value & ((uint32_t{1} << bits) - 1);
  return kept + (rest > half || (rest == half && (kept & 1) != 0) ? 1 : 0);
}

uint16_t float16_of(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & kMagnitude;
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  if (magnitude > kInfinity) return static_cast<uint16_t>(sign | 0x7e00 | ((magnitude >> 13) & 0x3ff));
  if (magnitude >= 0x47800000) return sign | 0x7c00;  // 65536 and above
  const uint32_t exponent = magnitude >> 23;
  if (exponent < 127 - 14) {  // multiples of 2^-24
    const uint32_t fraction = (magnitude & 0x7fffff) | 0x800000, shift = 126 - exponent;
    return static_cast<uint16_t>(sign | (shift > 24 ? 0 : rounded(fraction, shift)));
  }
  return static_cast<uint16_t>(sign | rounded(magnitude - ((127 - 15) << 23), 13));
}

uint16_t bfloat16_of(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & kMagnitude) > kInfinity) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>(rounded(bits, 16));
}

void widen_float16_plain(const uint16_t* x, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = float_of_float16(x[i]);
}

void widen_bfloat16_plain(const uint16_t* x, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = std::bit_cast<float>(static_cast<uint32_t>(x[i]) << 16);
}

template <uint16_t (*convert)(float), uint16_t infinity>
int64_t narrow_plain(const float* x, int64_t n, uint16_t* out) {
  int64_t first = -1;
  for (int64_t i = 0; i < n; ++i) {
    out[i] = convert(x[i]);
    const bool finite = (std::bit_cast<uint32_t>(x[i]) & kMagnitude) < kInfinity;
    if (first < 0 && finite && (out[i] & 0x7fff) == infinity) first = i;
  }
  return first;
}

}  // namespace

#ifdef SAEV_HAS_AVX2
#define SAEV_FAST_X64(name) \
  case Level::kAvx2:        \
    return avx2::name;      \
  case Level::kAvx512:      \
    return avx512::name;
#else
#define SAEV_FAST_X64(name)
#endif
#ifdef SAEV_HAS_NEON
#define SAEV_FAST_NEON(name) \
  case Level::kNeon:         \
    return neon::name;
#else
#define SAEV_FAST_NEON(name)
#endif
#define SAEV_CHOOSE(type, name, plain) \
  type name(Level level) {             \
    switch (level) {                   \
      SAEV_FAST_X64(name)              \
      SAEV_FAST_NEON(name)             \
      default:                         \
        return plain;                  \
    }                                  \
  }

SAEV_CHOOSE(WidenRow, widen_float16, widen_float16_plain)
SAEV_CHOOSE(WidenRow, widen_bfloat16, widen_bfloat16_plain)
SAEV_CHOOSE(NarrowRow, narrow_float16, (narrow_plain<float16_of, 0x7c00>))
SAEV_CHOOSE(NarrowRow, narrow_bfloat16, (narrow_plain<bfloat16_of, 0x7f80>))

}  // namespace saev

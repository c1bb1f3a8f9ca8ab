#include <cstdint>

#include "kernels/cpu/bfloat16_vector.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace saev {
namespace SAEV_LEVEL {

SAEV_INLINE Vec float16_to_float(const uint16_t* p) {
#if defined(__AVX512F__)
  return (Vec)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__AVX2__)
  return (Vec)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
  return (Vec)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
#endif
}

SAEV_INLINE void float_to_float16(Vec v, uint16_t* p) {
#if defined(__AVX512F__)
  const __m256i half = _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), half);
#elif defined(__AVX2__)
  const __m128i half = _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), half);
#else
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)v)));
#endif
}

SAEV_INLINE Vec bfloat16_to_float(const uint16_t* p) {
  const HalfVec half = *reinterpret_cast<const HalfVecUnaligned*>(p);
  return (Vec)(__builtin_convertvector(half, UVec) << 16);
}

template <typename Read>
SAEV_INLINE void widen(const uint16_t* x, int64_t n, float* out, Read read) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) storeu(out + i, read(x + i));
  if (i == n) return;
  uint16_t rest[kWidth] = {};
  float wide[kWidth];
  for (int64_t k = 0; k < n - i; ++k) rest[k] = x[i + k];
  storeu(wide, read(rest));
  for (int64_t k = 0; k < n - i; ++k) out[i + k] = wide[k];
}

/// `limit`: the bits of the smallest magnitude that rounds to infinity.
template <typename Write>
SAEV_INLINE int64_t narrow(const float* x, int64_t n, uint16_t* out, int32_t limit, Write write) {
  constexpr int32_t kInfinity = 0x7f800000;
  IVec over = {};
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    const Vec v = loadu(x + i);
    const IVec magnitude = (IVec)v & 0x7fffffff;
    over |= (magnitude >= limit) & (magnitude < kInfinity);
    write(v, out + i);
  }
  if (i < n) {
    float rest[kWidth] = {};
    uint16_t half[kWidth];
    for (int64_t k = 0; k < n - i; ++k) rest[k] = x[i + k];
    const Vec v = loadu(rest);
    const IVec magnitude = (IVec)v & 0x7fffffff;
    over |= (magnitude >= limit) & (magnitude < kInfinity);
    write(v, half);
    for (int64_t k = 0; k < n - i; ++k) out[i + k] = half[k];
  }
  int32_t any = 0;
  for (int k = 0; k < kWidth; ++k) any |= over[k];
  if (any == 0) return -1;
  for (i = 0; i < n; ++i) {
    int32_t bits;
    __builtin_memcpy(&bits, x + i, 4);
    bits &= 0x7fffffff;
    if (bits >= limit && bits < kInfinity) return i;
  }
  return -1;
}

void widen_float16(const uint16_t* x, int64_t n, float* out) {
  widen(x, n, out, [](const uint16_t* p) { return float16_to_float(p); });
}

void widen_bfloat16(const uint16_t* x, int64_t n, float* out) {
  widen(x, n, out, [](const uint16_t* p) { return bfloat16_to_float(p); });
}

int64_t narrow_float16(const float* x, int64_t n, uint16_t* out) {
  // 65520, half way between the largest float16 and 65536.
  return narrow(x, n, out, 0x477ff000, [](Vec v, uint16_t* p) { float_to_float16(v, p); });
}

int64_t narrow_bfloat16(const float* x, int64_t n, uint16_t* out) {
  return narrow(x, n, out, 0x7f7f8000, [](Vec v, uint16_t* p) { put(p, v); });
}

}  // namespace SAEV_LEVEL
}  // namespace saev

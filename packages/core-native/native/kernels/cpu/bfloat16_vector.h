#pragma once
// Writing vectors, whole or in part, as float32 or bfloat16. Internal linkage, as in simd.h.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

typedef uint32_t UVec __attribute__((vector_size(kWidth * 4), may_alias));
typedef uint16_t HalfVec __attribute__((vector_size(kWidth * 2), may_alias));
typedef uint16_t HalfVecUnaligned __attribute__((vector_size(kWidth * 2), aligned(2), may_alias));

SAEV_INLINE void put(float* p, Vec v) {
  storeu(p, v);
}
/// Rounds to nearest, ties to even; NaN stays NaN.
SAEV_INLINE void put(uint16_t* p, Vec v) {
  const UVec bits = (UVec)v;
  const UVec rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const UVec kept = (UVec)(v == v);
  const UVec chosen = (rounded & kept) | (0x7fc0u & ~kept);
#if defined(__AVX512F__)
  const HalfVec half = (HalfVec)_mm512_cvtepi32_epi16((__m512i)chosen);
#else
  const HalfVec half = __builtin_convertvector(chosen, HalfVec);
#endif
  *reinterpret_cast<HalfVecUnaligned*>(p) = half;
}

/// The first `count` lanes; all of them where `count` is larger.
template <typename Out>
SAEV_INLINE void put_first(Out* p, Vec v, int64_t count) {
  if (count >= kWidth) return put(p, v);
  Out lanes[kWidth];
  put(lanes, v);
  for (int64_t i = 0; i < count; ++i) p[i] = lanes[i];
}

}  // namespace
}  // namespace saev

#pragma once
// The few vector operations that our kernels need, on the compiler's own vector types: one source serves
// AVX2, AVX-512 and NEON, with the width taken from the flags this file is compiled with. Everything here has
// internal linkage, because the same file is compiled several times with different instruction sets.

#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace saev {
namespace {

#if defined(__AVX512F__)
constexpr int kWidth = 16;  ///< float32 lanes of a vector
#elif defined(__AVX2__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif

#define SAEV_INLINE [[gnu::always_inline]] inline
#define SAEV_UNROLL _Pragma("GCC unroll 32")

typedef float Vec __attribute__((vector_size(kWidth * 4), may_alias));
typedef float VecUnaligned __attribute__((vector_size(kWidth * 4), aligned(4), may_alias));
typedef int32_t IVec __attribute__((vector_size(kWidth * 4), may_alias));

SAEV_INLINE Vec load(const float* p) {
  return *reinterpret_cast<const Vec*>(p);
}
SAEV_INLINE Vec loadu(const float* p) {
  return *reinterpret_cast<const VecUnaligned*>(p);
}
SAEV_INLINE void store(float* p, Vec v) {
  *reinterpret_cast<Vec*>(p) = v;
}
SAEV_INLINE void storeu(float* p, Vec v) {
  *reinterpret_cast<VecUnaligned*>(p) = v;
}
SAEV_INLINE Vec zero() {
  return Vec{};
}
/// Not `Vec{} + x`, which the compiler must take at its word (0 + −0 is 0): an addition and a shuffle, where
/// the machine can load one number into all lanes.
SAEV_INLINE Vec splat(float x) {
#if defined(__AVX512F__)
  return (Vec)_mm512_set1_ps(x);
#elif defined(__AVX2__)
  return (Vec)_mm256_set1_ps(x);
#else
  Vec v;
  for (int i = 0; i < kWidth; ++i) v[i] = x;
  return v;
#endif
}

/// a * b + c in one rounding where the machine has it (the compiler contracts it).
SAEV_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return a * b + c;
}

SAEV_INLINE Vec vsqrt(Vec v) {
#if defined(__AVX512F__)
  return (Vec)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX2__)
  return (Vec)_mm256_sqrt_ps((__m256)v);
#else
  Vec r;
  for (int i = 0; i < kWidth; ++i) r[i] = __builtin_sqrtf(v[i]);
  return r;
#endif
}

/// Sum of the lanes, in a fixed order.
SAEV_INLINE float hsum(Vec v) {
#if defined(__AVX512F__)
  const __m256 low = _mm512_castps512_ps256((__m512)v);
  const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd((__m512)v), 1));
  const __m256 half = _mm256_add_ps(low, high);
#elif defined(__AVX2__)
  const __m256 half = (__m256)v;
#endif
#if defined(__AVX2__)
  __m128 a = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  a = _mm_add_ps(a, _mm_movehl_ps(a, a));
  return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
#else
  float s = 0;
  for (int i = 0; i < kWidth; ++i) s += v[i];
  return s;
#endif
}

/// Bit i is set where lane i of v is greater than 0.
SAEV_INLINE unsigned above_mask(Vec v, Vec floor) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)v, (__m512)floor, _CMP_GT_OQ);
#elif defined(__AVX2__)
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps((__m256)v, (__m256)floor, _CMP_GT_OQ)));
#else
  unsigned m = 0;
  for (int i = 0; i < kWidth; ++i) m |= static_cast<unsigned>(v[i] > floor[i]) << i;
  return m;
#endif
}

/// Row `i` of rows that lie `bytes` apart, its address in a register of its own. Else each vector of the row
/// is addressed by two registers and a factor, and takes longer where the load is part of a product.
SAEV_INLINE const float* row_at(const float* rows, int64_t i, int64_t bytes) {
  const char* p = reinterpret_cast<const char*>(rows) + i * bytes;
  __asm__("" : "+r"(p));
  return reinterpret_cast<const float*>(p);
}

SAEV_INLINE void prefetch(const void* p) {
  __builtin_prefetch(p, 0, 3);
}
/// Asks for all cache lines of `bytes` bytes from `p`, which begins one.
SAEV_INLINE void prefetch_range(const void* p, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) prefetch(static_cast<const char*>(p) + i);
}
SAEV_INLINE void prefetch_l2(const void* p) {
  __builtin_prefetch(p, 0, 2);
}

}  // namespace
}  // namespace saev

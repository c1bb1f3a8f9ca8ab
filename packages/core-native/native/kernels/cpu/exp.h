#pragma once
// e^x and what is made of it, on vectors. Internal linkage, as in simd.h.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

SAEV_INLINE Vec min(Vec a, Vec b) {
  return a < b ? a : b;
}
SAEV_INLINE Vec max(Vec a, Vec b) {
  return a > b ? a : b;
}

/// e^x for x clamped to [−87, 87]: 2^k times a polynomial on [−ln 2 / 2, ln 2 / 2] (its Taylor series to the
/// 7th power: 1.2e-8 off), with ln 2 in two parts so that the reduction is exact.
SAEV_INLINE Vec vexp(Vec x) {
  x = min(max(x, splat(-87.f)), splat(87.f));
  const Vec shifter = splat(12582912.f);  // 1.5 · 2^23: adding it rounds to a whole number
  const Vec shifted = fma(x, splat(1.44269504f), shifter);
  const Vec k = shifted - shifter;
  const Vec r = fma(k, splat(2.12194440e-4f), fma(k, splat(-0.693359375f), x));
  Vec p = splat(1.f / 5040);
  p = fma(p, r, splat(1.f / 720));
  p = fma(p, r, splat(1.f / 120));
  p = fma(p, r, splat(1.f / 24));
  p = fma(p, r, splat(1.f / 6));
  p = fma(p, r, splat(0.5f));
  p = fma(p, r, splat(1.f));
  p = fma(p, r, splat(1.f));
  // The low bits of `shifted` are k; shifted left they add k to the exponent of p.
  return (Vec)((IVec)p + ((IVec)shifted << 23));
}

/// x σ(t)
SAEV_INLINE Vec sigmoid_times(Vec x, Vec t) {
  return x / (splat(1.f) + vexp(-t));
}

}  // namespace
}  // namespace saev

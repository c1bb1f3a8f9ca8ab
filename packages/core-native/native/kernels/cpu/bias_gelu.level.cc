#include "kernels/cpu/bias_gelu.h"

#include <cstdint>

#include "kernels/cpu/simd.h"

namespace saev {
namespace SAEV_LEVEL {

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

/// erf(x) = x P(x²) / Q(x²), fitted to 3.3e-8 on |x| ≤ 3.8325, beyond which float32's erf is 1.
SAEV_INLINE Vec verf(Vec x) {
  constexpr float kEdge = 3.832506856900711f;
  x = min(max(x, splat(-kEdge)), splat(kEdge));
  const Vec z = x * x;
  Vec p = splat(2.085069958e-08f);
  p = fma(p, z, splat(-2.010673212e-06f));
  p = fma(p, z, splat(1.427310319e-04f));
  p = fma(p, z, splat(3.647265538e-03f));
  p = fma(p, z, splat(5.034059065e-02f));
  p = fma(p, z, splat(1.980369141e-01f));
  p = fma(p, z, splat(1.128378867e+00f));
  Vec q = splat(9.501605568e-04f);
  q = fma(q, z, splat(1.421362788e-02f));
  q = fma(q, z, splat(1.142387283e-01f));
  q = fma(q, z, splat(5.088354100e-01f));
  q = fma(q, z, splat(1.f));
  return x * p / q;
}

SAEV_INLINE Vec sigmoid_times(Vec x, Vec t) {
  return x / (splat(1.f) + vexp(-t));
}

template <Gelu kind>
SAEV_INLINE Vec vgelu(Vec x) {
  if constexpr (kind == Gelu::kErf) {
    const Vec half = x * splat(0.5f);
    return fma(half, verf(x * splat(0.70710678118654752f)), half);
  } else if constexpr (kind == Gelu::kTanh) {
    // 1/2 (1 + tanh u) = σ(2u)
    const Vec u = x * fma(x * x, splat(0.0713548162726f), splat(1.5957691216057308f));
    return sigmoid_times(x, u);
  } else {
    return sigmoid_times(x, x * splat(1.702f));
  }
}

template <Gelu kind>
SAEV_INLINE void rows_of(float* x, const float* bias, int64_t rows, int64_t d) {
  for (int64_t r = 0; r < rows; ++r, x += d) {
    int64_t i = 0;
    for (; i + kWidth <= d; i += kWidth) storeu(x + i, vgelu<kind>(loadu(x + i) + loadu(bias + i)));
    if (i == d) continue;
    float rest[kWidth] = {};
    for (int64_t k = i; k < d; ++k) rest[k - i] = x[k] + bias[k];
    storeu(rest, vgelu<kind>(loadu(rest)));
    for (int64_t k = i; k < d; ++k) x[k] = rest[k - i];
  }
}

void bias_gelu_rows(float* x, const float* bias, int64_t rows, int64_t d, Gelu gelu) {
  switch (gelu) {
    case Gelu::kErf:
      return rows_of<Gelu::kErf>(x, bias, rows, d);
    case Gelu::kTanh:
      return rows_of<Gelu::kTanh>(x, bias, rows, d);
    case Gelu::kQuick:
      return rows_of<Gelu::kQuick>(x, bias, rows, d);
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

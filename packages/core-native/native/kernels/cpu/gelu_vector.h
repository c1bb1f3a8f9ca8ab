#pragma once
// GELU on vectors. Internal linkage, as in simd.h.

#include "kernels/cpu/bias_gelu.h"
#include "kernels/cpu/exp.h"
#include "kernels/cpu/simd.h"

namespace saev {
namespace {

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

}  // namespace
}  // namespace saev

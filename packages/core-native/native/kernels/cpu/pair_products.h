#pragma once
// One entry of a list in the decoder's gradient: sum += f · e, and the partial sums of e · w, for e in N
// vectors of memory, each loaded once. For level files only.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

/// Keeps a loaded vector in a register for both of its uses; the compiler would fold the load into each.
SAEV_INLINE void keep(Vec& v) {
#if defined(__AVX512F__)
  __asm__("" : "+v"(v));
#elif defined(__AVX2__)
  __asm__("" : "+x"(v));
#else
  (void)v;
#endif
}

/// N vectors of w for all entries of a list, in registers.
template <int N>
struct PairWeights {
  Vec v[N];
  SAEV_INLINE explicit PairWeights(const float* w) {
    SAEV_UNROLL for (int i = 0; i < N; ++i) v[i] = load(w + i * kWidth);
  }
};

/// Returns a vector whose lanes add up to e · w: even vectors and odd ones in a chain each, then both added.
template <int N>
SAEV_INLINE Vec pair_products(Vec f, const float* e, const PairWeights<N>& w, Vec (&sum)[N]) {
  Vec even = zero(), odd = zero();
  SAEV_UNROLL for (int i = 0; i < N; ++i) {
    Vec d = load(e + i * kWidth);
    keep(d);
    sum[i] = fma(f, d, sum[i]);
    if (i % 2 == 0) {
      even = fma(w.v[i], d, even);
    } else {
      odd = fma(w.v[i], d, odd);
    }
  }
  return even + odd;
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/// Of 12 vectors w stays in memory: the sums and four more take all 16 registers.
template <>
struct PairWeights<12> {
  const float* w;
  SAEV_INLINE explicit PairWeights(const float* at) : w(at) {}
};

/// The same bits as from the general form, of which GCC 12 makes longer code: copies of w on the stack, or of
/// sums.
template <>
SAEV_INLINE Vec pair_products(Vec f, const float* e, const PairWeights<12>& weights, Vec (&sum)[12]) {
  const float* w = weights.w;
  Vec even, odd, d;
#define SAEV_PAIR(v, product, chain) \
  "vmovaps 32*" v                    \
  "(%[e]), %[d]\n\t"                 \
  "vfmadd231ps %[d], %[f], %[s" v "]\n\t" product " 32*" v "(%[w]), %[d], %[" chain "]\n\t"
  // As many operands as an asm statement may have, so that memory is not among them.
  __asm__ volatile(
      SAEV_PAIR("0", "vmulps", "even") SAEV_PAIR("1", "vmulps", "odd")            //
      SAEV_PAIR("2", "vfmadd231ps", "even") SAEV_PAIR("3", "vfmadd231ps", "odd")  //
      SAEV_PAIR("4", "vfmadd231ps", "even") SAEV_PAIR("5", "vfmadd231ps", "odd")  //
      SAEV_PAIR("6", "vfmadd231ps", "even") SAEV_PAIR("7", "vfmadd231ps", "odd")  //
      SAEV_PAIR("8", "vfmadd231ps", "even") SAEV_PAIR("9", "vfmadd231ps", "odd")  //
      SAEV_PAIR("10", "vfmadd231ps", "even") SAEV_PAIR("11", "vfmadd231ps", "odd")
      : [s0] "+x"(sum[0]), [s1] "+x"(sum[1]), [s2] "+x"(sum[2]), [s3] "+x"(sum[3]), [s4] "+x"(sum[4]),
        [s5] "+x"(sum[5]), [s6] "+x"(sum[6]), [s7] "+x"(sum[7]), [s8] "+x"(sum[8]), [s9] "+x"(sum[9]),
        [s10] "+x"(sum[10]), [s11] "+x"(sum[11]), [even] "=&x"(even), [odd] "=&x"(odd), [d] "=&x"(d)
      : [e] "r"(e), [w] "r"(w), [f] "x"(f)
      : "memory");
#undef SAEV_PAIR
  return even + odd;
}
#endif

}  // namespace
}  // namespace saev

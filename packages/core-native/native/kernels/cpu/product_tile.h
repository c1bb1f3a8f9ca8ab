#pragma once
// The inner loop of our tiled products, for level files only: (kRows × steps) · (steps × two vectors), with
// the sums in registers over all steps. Operands are packed, so that both are read in order:
//
//   rows  [step][kRows]        one value of each row
//   w     [step][kPanel]       one value of each column; a tile takes two vectors of them
//
// Each sum is made in the order of the steps, with one rounding a step.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

// 24 sums of 32 registers, or 12 of 16.
#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 12;
#endif
constexpr int kTileColumns = 2 * kWidth;

// Steps in a row without a branch. 12 products of a step take six cycles, and so may at most 36 instructions
// with the loop's own: enough for a core, not for one of two threads of a core, which the other's may halve.
// With AVX-512 a step has 24 products and no loads of its own.
#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int kStepsARound = 4;
#else
constexpr int kStepsARound = 1;
#endif

/// sum += a · b, rounded once.
SAEV_INLINE void add_product(Vec a, Vec b, Vec& sum) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  // In place: from `fma` GCC 12 makes copies of sums as soon as steps are unrolled.
  asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
#else
  sum = fma(a, b, sum);
#endif
}

template <int kRows, typename At>
SAEV_INLINE void multiply_add_step(const At& at, int64_t k, const float* __restrict w, Vec (&sum)[kRows][2]) {
  const Vec w0 = load(w), w1 = load(w + kWidth);
  SAEV_UNROLL for (int r = 0; r < kRows; ++r) {
    const Vec a = splat(at(k, r));
    add_product(a, w0, sum[r][0]);
    add_product(a, w1, sum[r][1]);
  }
}

/// sum[r][v] += Σ_step at(step, r) · w[step][v]. `stride` floats from one step of w to the next.
template <int kRows, typename At>
SAEV_INLINE void multiply_add(const At& at, const float* __restrict w, int64_t stride, int64_t steps,
                              Vec (&sum)[kRows][2]) {
  int64_t k = 0;
  for (; k + kStepsARound <= steps; k += kStepsARound) {
    SAEV_UNROLL for (int i = 0; i < kStepsARound; ++i) {
      multiply_add_step<kRows>(at, k + i, w + (k + i) * stride, sum);
    }
  }
  for (; k < steps; ++k) multiply_add_step<kRows>(at, k, w + k * stride, sum);
}

/// The same for packed rows, [step][kRows].
template <int kRows>
SAEV_INLINE void multiply_add_tile(const float* __restrict rows, const float* __restrict w, int64_t stride,
                                   int64_t steps, Vec (&sum)[kRows][2]) {
  multiply_add<kRows>([rows](int64_t k, int r) { return rows[k * kRows + r]; }, w, stride, steps, sum);
}

/// The same for rows that lie `row_stride` floats apart: as fast, unless the stride is a multiple of 4 KiB,
/// which makes them share a few sets of the first-level cache.
template <int kRows>
SAEV_INLINE void multiply_add_rows(const float* __restrict rows, int64_t row_stride,
                                   const float* __restrict w, int64_t stride, int64_t steps,
                                   Vec (&sum)[kRows][2]) {
  multiply_add<kRows>([=](int64_t k, int r) { return rows[r * row_stride + k]; }, w, stride, steps, sum);
}

}  // namespace
}  // namespace saev

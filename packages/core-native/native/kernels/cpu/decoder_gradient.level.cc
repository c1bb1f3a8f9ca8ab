#include "kernels/cpu/decoder_gradient.h"

#include "kernels/cpu/pair_products.h"
#include "kernels/cpu/reduce8.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/strips.h"

namespace saev {
namespace {

constexpr int kLookAhead = 8;
constexpr int64_t kLineFloats = 16;
constexpr int kFlush = 64;  // entries whose partial sums are kept before they are reduced

template <int N, bool kAhead>
[[gnu::noinline]] void gradient_strip(const DecoderGradientArgs& a, int64_t column, int64_t ahead_lines) {
  // Copies: what is stored might else be the arguments, which would be read again for each entry.
  const float* __restrict const e0 = a.e + column;
  const int32_t* __restrict const ptr = a.ptr;
  const uint16_t* __restrict const index = a.index;
  const float* __restrict const value = a.value;
  const int64_t width = a.width, n = a.n, bytes = width * static_cast<int64_t>(sizeof(float));
  const char* next = reinterpret_cast<const char*>(a.next);
  float* const partial = a.scratch;
  float* dot = a.dot + ptr[0];
  int pending = 0;
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t l = 0; l < ahead_lines; ++l, next += 64) prefetch_l2(next);
    const int32_t begin = ptr[j], end = ptr[j + 1];
    if (begin == end) continue;
    float* const g = a.g + j * width + column;
    const PairWeights<N> w(a.w + j * width + column);
    Vec sum[N];
    SAEV_UNROLL for (int v = 0; v < N; ++v) sum[v] = load(g + v * kWidth);
    float* p = partial + 8 * pending;
    for (int32_t q = begin; q < end; ++q, p += 8) {
      if (kAhead) {
        const float* y = e0 + static_cast<int64_t>(index[q + kLookAhead]) * width;
        SAEV_UNROLL for (int v = 0; v * kWidth < N * kWidth; v += kLineFloats / kWidth)
            prefetch(y + v * kWidth);
      }
      store_partial8(p, pair_products(splat(value[q]), row_at(e0, index[q], bytes), w, sum));
    }
    SAEV_UNROLL for (int v = 0; v < N; ++v) store(g + v * kWidth, sum[v]);
    pending += end - begin;
    if (pending >= kFlush) {
      int i = 0;
      for (; i + 8 <= pending; i += 8, dot += 8) add_sums8(partial + 8 * i, dot);
      __builtin_memmove(partial, partial + 8 * i, sizeof(float) * 8 * static_cast<size_t>(pending - i));
      pending -= i;
    }
  }
  // What is left is summed in the same order, so that a sum does not depend on where its list lies.
  for (int i = 0; i < pending; i += 8) {
    float sums[8] = {};
    add_sums8(partial + 8 * i, sums);
    for (int q = i; q < pending && q < i + 8; ++q) *dot++ += sums[q - i];
  }
}

}  // namespace

namespace SAEV_LEVEL {

void decoder_gradient(const DecoderGradientArgs& a) {
  const int64_t lines = a.next && a.n ? (a.next_floats / kLineFloats + a.n - 1) / a.n : 0;
  for_each_strip(a.width, [&](auto n, int64_t column) {
    const int64_t ahead = column == 0 ? lines : 0;
    if (a.look_ahead) {
      gradient_strip<decltype(n)::value, true>(a, column, ahead);
    } else {
      gradient_strip<decltype(n)::value, false>(a, column, ahead);
    }
  });
}

}  // namespace SAEV_LEVEL
}  // namespace saev

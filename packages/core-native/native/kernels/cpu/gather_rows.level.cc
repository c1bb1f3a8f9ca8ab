#include "kernels/cpu/gather_rows.h"

#include "kernels/cpu/simd.h"
#include "kernels/cpu/strips.h"

namespace saev {
namespace {

constexpr int kLookAhead = 8;        // entries
constexpr int64_t kLineFloats = 16;  // of a cache line

template <int N, bool kAhead>
[[gnu::noinline]] void gather_strip(const GatherRowsArgs& a, int64_t column, int64_t ahead_lines) {
  const float* __restrict x0 = a.x + column;
  const char* next = reinterpret_cast<const char*>(a.next);
  for (int64_t i = 0; i < a.n; ++i) {
    for (int64_t l = 0; l < ahead_lines; ++l, next += 64) prefetch_l2(next);
    const int32_t begin = a.ptr[i], end = a.ptr[i + 1];
    if (begin == end) continue;
    float* out = a.out + i * a.width + column;
    Vec sum[N];
    SAEV_UNROLL for (int v = 0; v < N; ++v) sum[v] = load(out + v * kWidth);
    for (int32_t q = begin; q < end; ++q) {
      const float* x = x0 + static_cast<int64_t>(a.index[q]) * a.width;
      if (kAhead) {
        const float* y = x0 + static_cast<int64_t>(a.index[q + kLookAhead]) * a.width;
        SAEV_UNROLL for (int v = 0; v * kWidth < N * kWidth; v += kLineFloats / kWidth)
            prefetch(y + v * kWidth);
      }
      const Vec f = splat(a.value[q]);
      SAEV_UNROLL for (int v = 0; v < N; ++v) sum[v] = fma(f, load(x + v * kWidth), sum[v]);
    }
    SAEV_UNROLL for (int v = 0; v < N; ++v) store(out + v * kWidth, sum[v]);
  }
}

}  // namespace

namespace SAEV_LEVEL {

void gather_rows(const GatherRowsArgs& a) {
  // The share of the next block that each list fetches, in the first strip only.
  const int64_t lines = a.next && a.n ? (a.next_floats / kLineFloats + a.n - 1) / a.n : 0;
  for_each_strip(a.width, [&](auto n, int64_t column) {
    const int64_t ahead = column == 0 ? lines : 0;
    if (a.look_ahead) {
      gather_strip<decltype(n)::value, true>(a, column, ahead);
    } else {
      gather_strip<decltype(n)::value, false>(a, column, ahead);
    }
  });
}

}  // namespace SAEV_LEVEL
}  // namespace saev

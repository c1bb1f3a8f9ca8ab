#include "kernels/cpu/residual.h"

#include "kernels/cpu/simd.h"
#include "kernels/cpu/strips.h"

namespace saev {
namespace {

template <int N>
[[gnu::noinline]] double residual_strip(const ResidualArgs& a, int64_t column) {
  const Vec scale = splat(a.scale);
  Vec columns[N];
  SAEV_UNROLL for (int v = 0; v < N; ++v) columns[v] = load(a.column_sums + column + v * kWidth);
  double sum = 0;
  for (int64_t r = 0; r < a.n; ++r) {
    const float* e = a.e + r * a.width + column;
    float* g = a.gradient + r * a.width + column;
    Vec squares = zero();
    SAEV_UNROLL for (int v = 0; v < N; ++v) {
      const Vec d = load(e + v * kWidth);
      squares = fma(d, d, squares);
      const Vec scaled = d * scale;
      columns[v] = columns[v] + scaled;
      store(g + v * kWidth, scaled);
    }
    sum += static_cast<double>(hsum(squares));
  }
  SAEV_UNROLL for (int v = 0; v < N; ++v) store(a.column_sums + column + v * kWidth, columns[v]);
  return sum;
}

}  // namespace

namespace SAEV_LEVEL {

double residual(const ResidualArgs& a) {
  double sum = 0;
  for_each_strip(a.width,
                 [&](auto n, int64_t column) { sum += residual_strip<decltype(n)::value>(a, column); });
  return sum;
}

}  // namespace SAEV_LEVEL
}  // namespace saev

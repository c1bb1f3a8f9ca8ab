#include "kernels/cpu/scale_row.h"

#include "kernels/scale_rows.h"

namespace saev {

#define SAEV_DECLARE(level)                                                                                 \
  namespace level {                                                                                         \
  void scale_row(const float* x, const float* next, const float* mean, float limit, float scale, int64_t d, \
                 float* out);                                                                               \
  }
SAEV_DECLARE(avx2)
SAEV_DECLARE(avx512)
SAEV_DECLARE(neon)
#undef SAEV_DECLARE

namespace {

void plain(const float* x, const float*, const float* mean, float limit, float scale, int64_t d, float* out) {
  scale_rows_plain(x, mean, limit, scale, 1, d, out);
}

}  // namespace

ScaleRow scale_row(Level level) {
  switch (level) {
#ifdef SAEV_HAS_AVX2
    case Level::kAvx2:
      return avx2::scale_row;
    case Level::kAvx512:
      return avx512::scale_row;
#endif
#ifdef SAEV_HAS_NEON
    case Level::kNeon:
      return neon::scale_row;
#endif
    default:
      return plain;
  }
}

}  // namespace saev

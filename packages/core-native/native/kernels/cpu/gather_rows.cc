#include "kernels/cpu/gather_rows.h"

namespace saev::plain {

void gather_rows(const GatherRowsArgs& a) {
  for (int64_t i = 0; i < a.n; ++i) {
    for (int32_t q = a.ptr[i]; q < a.ptr[i + 1]; ++q) {
      const float* x = a.x + static_cast<int64_t>(a.index[q]) * a.width;
      for (int64_t k = 0; k < a.width; ++k) a.out[i * a.width + k] += a.value[q] * x[k];
    }
  }
}

}  // namespace saev::plain

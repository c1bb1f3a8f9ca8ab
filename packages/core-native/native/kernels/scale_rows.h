#pragma once
// out[r, c] = (clamp(x[r, c], −limit, limit) − mean[c]) / scale: what a loader does to every activation. NaN
// stays NaN.

#include <cstdint>

namespace saev {

/// Plain reference. x and out are [n_rows, d], C order, and may be the same; mean is [d].
inline void scale_rows_plain(const float* x, const float* mean, float limit, float scale, int64_t n_rows,
                             int64_t d, float* out) {
  for (int64_t r = 0; r < n_rows; ++r) {
    for (int64_t c = 0; c < d; ++c) {
      const float v = x[r * d + c];
      const float clamped = v < -limit ? -limit : (v > limit ? limit : v);
      out[r * d + c] = (clamped - mean[c]) / scale;
    }
  }
}

}  // namespace saev

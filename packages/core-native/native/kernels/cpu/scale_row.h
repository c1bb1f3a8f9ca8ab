#pragma once
// kernels/scale_rows.h for one row of many scattered ones, as a loader gathers them: the next row is
// prefetched while this one is computed, because rows come from memory in no order.

#include <cstdint>

#include "kernels/level.h"

namespace saev {

/// out[c] = (clamp(x[c], −limit, limit) − mean[c]) / scale for c < d. `next` [d] is only prefetched; it may
/// be null. Nothing needs to be aligned; out may be x.
using ScaleRow = void (*)(const float* x, const float* next, const float* mean, float limit, float scale,
                          int64_t d, float* out);

ScaleRow scale_row(Level level = active_level());

}  // namespace saev

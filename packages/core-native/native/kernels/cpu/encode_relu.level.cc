#include "kernels/cpu/encode_relu.h"

#include "kernels/cpu/product_tile.h"
#include "kernels/cpu/row_lists.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/transpose8.h"

namespace saev {
namespace {

constexpr int kGroup = kTileRows;

constexpr int kTiles = kPanel / kTileColumns;  ///< tiles that a panel is wide
constexpr int kMaxGroups = kMaxBlockRows / kGroup + 1;
constexpr int64_t kLine = 16;  ///< floats of a cache line

/// panel[tile][lane][step][kTileColumns] from kPanel rows of W_enc.
void pack_panel(const float* w, int64_t stride, float* panel) {
  const int64_t steps = stride / kLanes;
  for (int64_t j = 0; j < kPanel; j += 8) {
    float* columns = panel + j / kTileColumns * kTileColumns * stride + j % kTileColumns;
    for (int64_t i = 0; i < steps; ++i) {
      for (int64_t half = 0; half < kLanes; half += 8) {
        transpose8(w + j * stride + i * kLanes + half, stride, columns + (half * steps + i) * kTileColumns,
                   [steps](int q) { return q * steps * kTileColumns; });
      }
    }
  }
}

/// total += the sums of one lane, or begins with them. `ahead` [n_ahead] is fetched meanwhile.
[[gnu::noinline]] void tile(const float* __restrict rows, const float* __restrict w, int64_t steps,
                            bool begin, const float* ahead, int64_t n_ahead,
                            float (*__restrict total)[kTileColumns]) {
  prefetch_range(ahead, n_ahead * static_cast<int64_t>(sizeof(float)));
  Vec sum[kGroup][2];
  SAEV_UNROLL for (int r = 0; r < kGroup; ++r) sum[r][0] = sum[r][1] = zero();
  multiply_add_tile<kGroup>(rows, w, kTileColumns, steps, sum);
  if (begin) {
    SAEV_UNROLL for (int r = 0; r < kGroup; ++r) {
      store(total[r], sum[r][0]);
      store(total[r] + kWidth, sum[r][1]);
    }
    return;
  }
  SAEV_UNROLL for (int r = 0; r < kGroup; ++r) {
    store(total[r], load(total[r]) + sum[r][0]);
    store(total[r] + kWidth, load(total[r] + kWidth) + sum[r][1]);
  }
}

}  // namespace

namespace SAEV_LEVEL {

int64_t encode_group_rows() {
  return kGroup;
}

void centre_rows(const CentreRowsArgs& a) {
  for (int64_t r = 0; r < a.n; ++r) {
    const float* x = a.x + r * a.d_vit;
    float* row = a.rows + r * a.stride;
    if (a.shift) {
      for (int64_t k = 0; k < a.d_vit; ++k) row[k] = x[k] - a.shift[k];
    } else {
      for (int64_t k = 0; k < a.d_vit; ++k) row[k] = x[k];
    }
    for (int64_t k = a.d_vit; k < a.stride; ++k) row[k] = 0;
    if (a.slices == nullptr) continue;
    for (int64_t k0 = 0, s = 0; k0 < a.d_vit; k0 += a.slice_width, ++s) {
      float* slice = a.slices + s * a.slice_stride + r * a.slice_width;
      const int64_t width = k0 + a.slice_width <= a.d_vit ? a.slice_width : a.d_vit - k0;
      for (int64_t i = 0; i < width; ++i) slice[i] = x[k0 + i] - a.slice_shift[k0 + i];
      for (int64_t i = width; i < a.slice_width; ++i) slice[i] = 0;
    }
  }
}

void pack_rows(const PackRowsArgs& a) {
  const int64_t groups = (a.n + kGroup - 1) / kGroup, steps = a.stride / kLanes;
  for (int64_t g = 0; g < groups; ++g) {
    for (int r = 0; r < kGroup; ++r) {
      const int64_t row = g * kGroup + r;
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        float* to = a.packed + (lane * groups + g) * steps * kGroup + r;
        const float* from = a.rows + row * a.stride + lane;
        if (row < a.n) {
          for (int64_t i = 0; i < steps; ++i) to[i * kGroup] = from[i * kLanes];
        } else {
          for (int64_t i = 0; i < steps; ++i) to[i * kGroup] = 0;
        }
      }
    }
  }
}

void pack_panels(const PackPanelsArgs& a) {
  for (int64_t p = 0; p < a.n_panels; ++p)
    pack_panel(a.w + p * kPanel * a.stride, a.stride, a.packed + p * kPanel * a.stride);
}

void encode_segment(const EncodeSegmentArgs& a) {
  const int64_t groups = (a.n + kGroup - 1) / kGroup, steps = a.stride / kLanes;
  const int64_t stride = a.n_panels * kPanel + kListSlack;
  int count[kMaxBlockRows + kGroup] = {};
  alignas(64) float total[kMaxGroups][kGroup][kTileColumns];
  // A lane's weights stay in the first-level cache while all rows go by, and those of the next lane come.
  const int64_t lane_size = steps * kTileColumns, n_lanes = a.n_panels * kTiles * kLanes;
  const int64_t share = (lane_size / groups + kLine - 1) / kLine * kLine;
  for (int64_t t = 0; t < a.n_panels * kTiles; ++t) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const int64_t at = t * kLanes + lane;
      const float* w = a.w + at * lane_size;
      for (int64_t g = 0; g < groups; ++g) {
        const int64_t begin = g * share;
        const int64_t n_ahead = at + 1 < n_lanes && begin < lane_size ? share : 0;
        tile(a.packed + (lane * groups + g) * steps * kGroup, w, steps, lane == 0, w + lane_size + begin,
             n_ahead, total[g]);
      }
    }
    const int base = static_cast<int>(t * kTileColumns);
    for (int64_t g = 0; g < groups; ++g) {
      list_tile<kGroup>(total[g][0], a.bias + base, a.floor + g * kGroup, base,
                        a.row_value + g * kGroup * stride, a.row_index + g * kGroup * stride, stride,
                        count + g * kGroup);
    }
  }
  join_rows(a.row_value, a.row_index, stride, count, a.n, a.value, a.index, a.row_ptr, a.first);
}

}  // namespace SAEV_LEVEL
}  // namespace saev

#include "kernels/cpu/encode_relu.h"

#include "kernels/cpu/compress.h"
#include "kernels/cpu/product_tile.h"
#include "kernels/cpu/row_lists.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/transpose8.h"

namespace saev {
namespace {

constexpr int kGroup = kTileRows;

/// panel[lane][step][kPanel] from kPanel rows of W_enc.
void pack_panel(const float* w, int64_t stride, float* panel) {
  const int64_t steps = stride / kLanes;
  for (int64_t j = 0; j < kPanel; j += 8) {
    for (int64_t i = 0; i < steps; ++i) {
      for (int64_t half = 0; half < kLanes; half += 8) {
        transpose8(w + j * stride + i * kLanes + half, stride, panel + (half * steps + i) * kPanel + j,
                   [steps](int q) { return q * steps * kPanel; });
      }
    }
  }
}

/// One tile: sums above the row's floor go to the rows' lists, `count[r]` entries so far.
[[gnu::noinline]] void tile(const float* __restrict rows, const float* __restrict w, int64_t steps,
                            const float* bias, const float* floor, int base, float* value, uint16_t* index,
                            int64_t stride, int* __restrict count) {
  alignas(64) float total[kGroup][kTileColumns];
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    Vec sum[kGroup][2];
    SAEV_UNROLL for (int r = 0; r < kGroup; ++r) sum[r][0] = sum[r][1] = zero();
    multiply_add_tile<kGroup>(rows + lane * steps * kGroup, w + lane * steps * kPanel, kPanel, steps, sum);
    if (lane == 0) {
      SAEV_UNROLL for (int r = 0; r < kGroup; ++r) {
        store(total[r], sum[r][0]);
        store(total[r] + kWidth, sum[r][1]);
      }
    } else {
      SAEV_UNROLL for (int r = 0; r < kGroup; ++r) {
        store(total[r], load(total[r]) + sum[r][0]);
        store(total[r] + kWidth, load(total[r] + kWidth) + sum[r][1]);
      }
    }
  }
  const Vec b0 = load(bias), b1 = load(bias + kWidth);
  SAEV_UNROLL for (int r = 0; r < kGroup; ++r) {
    float* v = value + r * stride;
    uint16_t* i = index + r * stride;
    const Vec least = splat(floor[r]);
    const int n = append_above(load(total[r]) + b0, least, base, v, i, count[r]);
    count[r] = append_above(load(total[r] + kWidth) + b1, least, base + kWidth, v, i, n);
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
    float* out = a.packed + g * kGroup * a.stride;
    for (int r = 0; r < kGroup; ++r) {
      const int64_t row = g * kGroup + r;
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        float* to = out + lane * steps * kGroup + r;
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
  for (int64_t p = 0; p < a.n_panels; ++p) {
    const float* panel = a.w + p * kPanel * a.stride;
    for (int64_t half = 0; half < kPanel; half += kTileColumns) {
      const int base = static_cast<int>(p * kPanel + half);
      for (int64_t g = 0; g < groups; ++g) {
        tile(a.packed + g * kGroup * a.stride, panel + half, steps, a.bias + base, a.floor + g * kGroup, base,
             a.row_value + g * kGroup * stride, a.row_index + g * kGroup * stride, stride,
             count + g * kGroup);
      }
    }
  }
  join_rows(a.row_value, a.row_index, stride, count, a.n, a.value, a.index, a.row_ptr, a.first);
}

}  // namespace SAEV_LEVEL
}  // namespace saev

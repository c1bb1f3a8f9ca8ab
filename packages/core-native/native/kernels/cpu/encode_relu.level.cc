#include "kernels/cpu/encode_relu.h"

#include "kernels/cpu/compress.h"
#include "kernels/cpu/simd.h"

namespace saev {
namespace {

// A tile of kGroup rows × two vectors of latents: 24 sums of 32 registers, or 12 of 16.
#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int kGroup = 6;
#else
constexpr int kGroup = 12;
#endif
constexpr int kTile = 2 * kWidth;

/// One tile: sums above the row's floor go to the rows' lists, `count[r]` entries so far.
[[gnu::noinline]] void tile(const float* __restrict rows, const float* __restrict w, int64_t d_vit,
                            const float* bias, const float* floor, int base, float* value, uint16_t* index,
                            int64_t stride, int* __restrict count) {
  Vec sum[kGroup][2];
  SAEV_UNROLL for (int r = 0; r < kGroup; ++r) sum[r][0] = sum[r][1] = zero();
  for (int64_t k = 0; k < d_vit; ++k) {
    const Vec w0 = load(w + k * kPanel), w1 = load(w + k * kPanel + kWidth);
    SAEV_UNROLL for (int r = 0; r < kGroup; ++r) {
      const Vec a = splat(rows[k * kGroup + r]);
      sum[r][0] = fma(a, w0, sum[r][0]);
      sum[r][1] = fma(a, w1, sum[r][1]);
    }
  }
  const Vec b0 = load(bias), b1 = load(bias + kWidth);
  SAEV_UNROLL for (int r = 0; r < kGroup; ++r) {
    float* v = value + r * stride;
    uint16_t* i = index + r * stride;
    const Vec least = splat(floor[r]);
    const int n = append_above(sum[r][0] + b0, least, base, v, i, count[r]);
    count[r] = append_above(sum[r][1] + b1, least, base + kWidth, v, i, n);
  }
}

}  // namespace

namespace SAEV_LEVEL {

int64_t encode_group_rows() {
  return kGroup;
}

void pack_rows(const PackRowsArgs& a) {
  const int64_t groups = (a.n + kGroup - 1) / kGroup;
  for (int64_t g = 0; g < groups; ++g) {
    float* out = a.packed + g * kGroup * a.d_vit;
    for (int r = 0; r < kGroup; ++r) {
      const int64_t row = g * kGroup + r;
      if (row >= a.n) {
        for (int64_t k = 0; k < a.d_vit; ++k) out[k * kGroup + r] = 0;
        continue;
      }
      const float* x = a.x + row * a.d_vit;
      if (a.shift) {
        for (int64_t k = 0; k < a.d_vit; ++k) out[k * kGroup + r] = x[k] - a.shift[k];
      } else {
        for (int64_t k = 0; k < a.d_vit; ++k) out[k * kGroup + r] = x[k];
      }
      if (a.slices == nullptr) continue;
      for (int64_t k0 = 0, s = 0; k0 < a.d_vit; k0 += a.slice_width, ++s) {
        float* slice = a.slices + s * a.slice_stride + row * a.slice_width;
        const int64_t width = k0 + a.slice_width <= a.d_vit ? a.slice_width : a.d_vit - k0;
        for (int64_t i = 0; i < width; ++i) slice[i] = x[k0 + i] - a.slice_shift[k0 + i];
        for (int64_t i = width; i < a.slice_width; ++i) slice[i] = 0;
      }
    }
  }
}

void encode_segment(const EncodeSegmentArgs& a) {
  const int64_t groups = (a.n + kGroup - 1) / kGroup;
  const int64_t stride = a.n_panels * kPanel + kListSlack;
  int count[kMaxBlockRows + kGroup] = {};
  for (int64_t p = 0; p < a.n_panels; ++p) {
    for (int64_t half = 0; half < kPanel; half += kTile) {
      const float* w = a.w + p * kPanel * a.d_vit + half;
      const int base = static_cast<int>(p * kPanel + half);
      for (int64_t g = 0; g < groups; ++g) {
        tile(a.packed + g * kGroup * a.d_vit, w, a.d_vit, a.bias + base, a.floor + g * kGroup, base,
             a.row_value + g * kGroup * stride, a.row_index + g * kGroup * stride, stride,
             count + g * kGroup);
      }
    }
  }
  int32_t end = 0;
  for (int64_t r = 0; r < a.n; ++r) {
    a.row_ptr[r] = a.first + end;
    const float* v = a.row_value + r * stride;
    const uint16_t* ix = a.row_index + r * stride;
    for (int q = 0; q < count[r]; q += kWidth) {
      storeu(a.value + end + q, loadu(v + q));
      __builtin_memcpy(a.index + end + q, ix + q, kWidth * sizeof(uint16_t));
    }
    end += count[r];
  }
  a.row_ptr[a.n] = a.first + end;
}

}  // namespace SAEV_LEVEL
}  // namespace saev

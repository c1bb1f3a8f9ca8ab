#pragma once
// The loops of `linear` around a tile, for level files only. `Product` says what is multiplied:
//   In                    element of rows and weights
//   kInputsAStep          inputs of one step of the tile
//   multiply(rows, stride, w, steps, sum)

#include "kernels/cpu/bfloat16_vector.h"
#include "kernels/cpu/gelu_vector.h"
#include "kernels/cpu/linear_block.h"
#include "kernels/cpu/product_tile.h"

namespace saev {
namespace {

/// Inputs of a block.
#if defined(__AVX2__) && !defined(__AVX512F__)
/// A tile's part of W (16 KiB) and a group of rows (6 KiB) stay in the first-level cache.
constexpr int64_t kDepth = 256;
#else
/// A panel's part of W and a group of rows stay in the second-level cache.
constexpr int64_t kDepth = 1024;
#endif

/// Where a tile's results go: rows [0, valid), columns from `column`.
struct TilePlace {
  const LinearBlock& a;
  int64_t row, column;  ///< of `out`; of a SwiGLU, column counts packed ones
  int valid;
};

template <Epilogue epilogue, Gelu gelu, typename Out>
SAEV_INLINE void finish_tile(const TilePlace& t, Out* out, int64_t stride, const float* bias,
                             const float* scale, const Vec (&sum)[kTileRows][2]) {
  const Vec b0 = load(bias), b1 = load(bias + kWidth);
  const int64_t left = t.a.n_out - (epilogue == Epilogue::kSwiglu ? t.column / 2 : t.column);
  SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) {
    if (r >= t.valid) break;
    Out* p = out + (t.row + r) * stride + (epilogue == Epilogue::kSwiglu ? t.column / 2 : t.column);
    const Vec h0 = sum[r][0] + b0, h1 = sum[r][1] + b1;
    if constexpr (epilogue == Epilogue::kSwiglu) {
      put_first(p, sigmoid_times(h0, h0) * h1, left);
    } else if constexpr (epilogue == Epilogue::kResidual) {
      if (left >= kTileColumns) {
        put(p, fma(load(scale), h0, loadu(p)));
        put(p + kWidth, fma(load(scale + kWidth), h1, loadu(p + kWidth)));
      } else {
        for (int64_t i = 0; i < left; ++i) {
          p[i] += scale[i] * (i < kWidth ? h0[i] : h1[i - kWidth]);
        }
      }
    } else if constexpr (epilogue == Epilogue::kGelu) {
      put_first(p, vgelu<gelu>(h0), left);
      put_first(p + kWidth, vgelu<gelu>(h1), left - kWidth);
    } else {
      put_first(p, h0, left);
      put_first(p + kWidth, h1, left - kWidth);
    }
  }
}

SAEV_INLINE void begin_tile(const float* partial, bool first, Vec (&sum)[kTileRows][2]) {
  if (first) {
    SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) sum[r][0] = sum[r][1] = zero();
  } else {
    SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) {
      sum[r][0] = load(partial + r * kLinearPanel);
      sum[r][1] = load(partial + r * kLinearPanel + kWidth);
    }
  }
}

/// A tile over part of the inputs, whose sums wait in `partial`.
template <typename Product>
[[gnu::noinline]] void partial_tile(const typename Product::In* rows, int64_t stride,
                                    const typename Product::In* w, int64_t steps, float* partial,
                                    bool first) {
  Vec sum[kTileRows][2];
  begin_tile(partial, first, sum);
  Product::multiply(rows, stride, w, steps, sum);
  SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) {
    store(partial + r * kLinearPanel, sum[r][0]);
    store(partial + r * kLinearPanel + kWidth, sum[r][1]);
  }
}

/// A tile over the last inputs, and its epilogue.
template <typename Product, Epilogue epilogue, Gelu gelu, typename Out>
[[gnu::noinline]] void last_tile(const typename Product::In* rows, int64_t stride,
                                 const typename Product::In* w, int64_t steps, const float* partial,
                                 bool first, const TilePlace& t, Out* out, int64_t out_stride,
                                 const float* bias, const float* scale) {
  Vec sum[kTileRows][2];
  begin_tile(partial, first, sum);
  Product::multiply(rows, stride, w, steps, sum);
  finish_tile<epilogue, gelu>(t, out, out_stride, bias, scale, sum);
}

template <typename Product, Epilogue epilogue, Gelu gelu, typename Out>
void run_block(const LinearBlock& a, const typename Product::In* in, Out* out) {
  using In = typename Product::In;
  constexpr int64_t each = Product::kInputsAStep, tile_step = kTileColumns * each;
  const int64_t steps = (a.n_in + each - 1) / each, groups = (a.rows + kTileRows - 1) / kTileRows;
  const int64_t whole = a.rows / kTileRows;
  In* tail = static_cast<In*>(a.tail);
  for (int64_t r = whole * kTileRows; r < a.rows; ++r) {
    __builtin_memcpy(tail + (r - whole * kTileRows) * a.in.stride, in + r * a.in.stride,
                     static_cast<size_t>(steps * each) * sizeof(In));
  }
  for (int64_t panel = a.panel_from; panel < a.panel_to; ++panel) {
    const In* w = static_cast<const In*>(a.w) + (panel - a.panel_from) * steps * each * kLinearPanel;
    for (int64_t half = 0; half < kLinearPanel; half += kTileColumns) {
      const int64_t column = panel * kLinearPanel + half;
      for (int64_t k = 0; k < steps; k += kDepth) {
        const int64_t n = steps - k < kDepth ? steps - k : kDepth;
        for (int64_t g = 0; g < groups; ++g) {
          const In* rows = (g < whole ? in + g * kTileRows * a.in.stride : tail) + k * each;
          const In* from = w + half * steps * each + k * tile_step;
          float* partial = a.partial + g * kTileRows * kLinearPanel + half;
          if (k + n < steps) {
            partial_tile<Product>(rows, a.in.stride, from, n, partial, k == 0);
            continue;
          }
          const int64_t left = a.rows - g * kTileRows;
          const TilePlace place{a, g * kTileRows, column,
                                static_cast<int>(left < kTileRows ? left : kTileRows)};
          last_tile<Product, epilogue, gelu>(rows, a.in.stride, from, n, partial, k == 0, place, out,
                                             a.out.stride, a.bias + column, a.scale + column);
        }
      }
    }
  }
}

/// `Hidden` is the element of what the next product reads.
template <typename Product, typename Hidden>
void run_linear(const LinearBlock& a, const typename Product::In* in, Hidden* hidden) {
  switch (a.epilogue) {
    case Epilogue::kBias:
      return run_block<Product, Epilogue::kBias, Gelu::kErf>(a, in, a.out.f32);
    case Epilogue::kResidual:
      return run_block<Product, Epilogue::kResidual, Gelu::kErf>(a, in, a.out.f32);
    case Epilogue::kSwiglu:
      return run_block<Product, Epilogue::kSwiglu, Gelu::kErf>(a, in, hidden);
    case Epilogue::kGelu:
      switch (a.gelu) {
        case Gelu::kErf:
          return run_block<Product, Epilogue::kGelu, Gelu::kErf>(a, in, hidden);
        case Gelu::kTanh:
          return run_block<Product, Epilogue::kGelu, Gelu::kTanh>(a, in, hidden);
        case Gelu::kQuick:
          return run_block<Product, Epilogue::kGelu, Gelu::kQuick>(a, in, hidden);
      }
  }
}

}  // namespace
}  // namespace saev

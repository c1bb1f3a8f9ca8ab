#pragma once
// The loops of `linear` around a tile, for level files only. `Product` says what is multiplied:
//   In                    element of rows and weights
//   kInputsAStep          inputs of one step of the tile
//   kPacks                whether rows are packed before they are read (tile_rows.h)
//   multiply(rows, stride, w, steps, next, sum)

#include "kernels/cpu/bfloat16_vector.h"
#include "kernels/cpu/gelu_vector.h"
#include "kernels/cpu/linear_block.h"
#include "kernels/cpu/product_tile.h"
#include "kernels/cpu/tile_rows.h"

namespace saev {
namespace {

/// Inputs of a block.
#if defined(__AVX2__) && !defined(__AVX512F__)
/// A tile's part of W (16 KiB) and a group of rows (6 KiB) stay in the first-level cache.
constexpr int64_t kDepth = kLinearPacked;
#else
/// A panel's part of W and a group of rows stay in the second-level cache.
constexpr int64_t kDepth = 1024;
#endif

/// Groups of rows of a task; each fetches its share of the next tile's weights.
constexpr int64_t kMostGroups = kLinearRows / kTileRows;

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
      sum[r][0] = load(partial + r * kTileColumns);
      sum[r][1] = load(partial + r * kTileColumns + kWidth);
    }
  }
}

/// What a tile multiplies, and the sums it goes on with.
template <typename In>
struct TileInputs {
  const In* rows;
  int64_t stride;  ///< of `rows`; not used where they are packed
  const In* w;
  int64_t steps;
  const In* next;  ///< weights that will be read soon
  float* partial;  ///< [kTileRows][kTileColumns]
  bool first;
};

/// A tile over part of the inputs, whose sums wait in `partial`.
template <typename Product>
[[gnu::noinline]] void partial_tile(const TileInputs<typename Product::In>& t) {
  Vec sum[kTileRows][2];
  begin_tile(t.partial, t.first, sum);
  Product::multiply(t.rows, t.stride, t.w, t.steps, t.next, sum);
  SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) {
    store(t.partial + r * kTileColumns, sum[r][0]);
    store(t.partial + r * kTileColumns + kWidth, sum[r][1]);
  }
}

/// A tile over the last inputs, and its epilogue.
template <typename Product, Epilogue epilogue, Gelu gelu, typename Out>
[[gnu::noinline]] void last_tile(const TileInputs<typename Product::In>& t, const TilePlace& place, Out* out,
                                 int64_t out_stride, const float* bias, const float* scale) {
  // Results go to lines that no cache near us has: fetched while the tile computes. (A residual's are not
  // worth it: the fetch is one load more for each that the epilogue makes.)
  if constexpr (epilogue != Epilogue::kResidual) {
    const int64_t column = epilogue == Epilogue::kSwiglu ? place.column / 2 : place.column;
    for (int r = 0; r < place.valid; ++r)
      __builtin_prefetch(out + (place.row + r) * out_stride + column, 1, 3);
  }
  Vec sum[kTileRows][2];
  begin_tile(t.partial, t.first, sum);
  Product::multiply(t.rows, t.stride, t.w, t.steps, t.next, sum);
  finish_tile<epilogue, gelu>(place, out, out_stride, bias, scale, sum);
}

/// Lines of a group's rows in a block of inputs.
constexpr int64_t kLine = 64 / sizeof(float), kRowLines = kDepth / kLine, kGroupLines = kTileRows * kRowLines;

/// Asks for lines [from, to) of the next block of a group's rows.
SAEV_INLINE void fetch_lines(const float* rows, int64_t stride, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; ++i) prefetch_l2(rows + i / kRowLines * stride + i % kRowLines * kLine);
}

/// Inputs in blocks, within a block one tile's weights after the other, each for all rows: a block of rows
/// stays in the second-level cache, a tile's weights in the first, and sums of all tiles wait in `partial`.
template <typename Product, Epilogue epilogue, Gelu gelu, typename Out>
void run_block(const LinearBlock& a, const typename Product::In* in, Out* out) {
  using In = typename Product::In;
  constexpr int64_t each = Product::kInputsAStep, tile_step = kTileColumns * each;
  const int64_t steps = (a.n_in + each - 1) / each, groups = (a.rows + kTileRows - 1) / kTileRows;
  const int64_t whole = a.rows / kTileRows;
  const int64_t tiles = (a.panel_to - a.panel_from) * (kLinearPanel / kTileColumns);
  In* tail = static_cast<In*>(a.tail);
  if constexpr (!Product::kPacks) {
    for (int64_t r = whole * kTileRows; r < a.rows; ++r) {
      __builtin_memcpy(tail + (r - whole * kTileRows) * a.in.stride, in + r * a.in.stride,
                       static_cast<size_t>(steps * each) * sizeof(In));
    }
  }
  for (int64_t k = 0; k < steps; k += kDepth) {
    const int64_t n = steps - k < kDepth ? steps - k : kDepth;
    if constexpr (Product::kPacks) pack_rows(in + k, a.in.stride, a.rows, n, a.packed);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const In* w = static_cast<const In*>(a.w) + (tile * steps + k) * tile_step;
      // Each tile fetches its share of the lines that the next block of inputs will read.
      const int64_t line = tile * kGroupLines / tiles, end_line = (tile + 1) * kGroupLines / tiles;
      const In* next = w + (tile + 1 < tiles ? steps : n - tile * steps) * tile_step;
      for (int64_t g = 0; g < groups; ++g) {
        TileInputs<In> t{nullptr, a.in.stride, w, n, next, nullptr, k == 0};
        if constexpr (Product::kPacks) {
          t.rows = a.packed + g * kTileRows * n;
          if (k + n < steps && g < whole)
            fetch_lines(in + g * kTileRows * a.in.stride + k + n, a.in.stride, line, end_line);
        } else {
          t.rows = (g < whole ? in + g * kTileRows * a.in.stride : tail) + k * each;
        }
        t.next = next + g * n * tile_step / kMostGroups;
        t.partial = a.partial + (tile * groups + g) * kTileRows * kTileColumns;
        if (k + n < steps) {
          partial_tile<Product>(t);
          continue;
        }
        const int64_t left = a.rows - g * kTileRows,
                      column = a.panel_from * kLinearPanel + tile * kTileColumns;
        const TilePlace place{a, g * kTileRows, column,
                              static_cast<int>(left < kTileRows ? left : kTileRows)};
        last_tile<Product, epilogue, gelu>(t, place, out, a.out.stride, a.bias + column, a.scale + column);
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

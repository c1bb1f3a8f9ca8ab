#pragma once
// The loops of encode_half.h around a tile of `Tile::kRows` rows × kPanel latents, for level files of AVX-512
// only:
//
//   Tile::kUnit                     pairs of columns of a row that lie together
//   multiply(rows, w, pairs, out)   out [kRows][kPanel] = the sums

#include "kernels/cpu/bfloat16_vector.h"
#include "kernels/cpu/encode_half.h"
#include "kernels/cpu/row_lists.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/transpose8.h"

namespace saev {
namespace {

static_assert(kPanel == 2 * kWidth);

template <typename Tile>
void pack_rows_for(const PackHalfRowsArgs& a) {
  constexpr int64_t kGroup = Tile::kRows, kUnit = 2 * Tile::kUnit;
  const int64_t row_size = (a.stride + kUnit - 1) / kUnit * kUnit;
  alignas(64) uint16_t some[kWidth];
  for (int64_t r = 0; r < (a.n + kGroup - 1) / kGroup * kGroup; ++r) {
    uint16_t* out = a.packed + r / kGroup * kGroup * row_size + r % kGroup * kUnit;
    // A step of kWidth columns is whole units, or a part of one.
    for (int64_t k = 0; k < row_size; k += kWidth) {
      put(some, r < a.n && k < a.stride ? load(a.rows + r * a.stride + k) : zero());
      constexpr int64_t kPiece = kUnit < kWidth ? kUnit : kWidth;
      for (int64_t i = k; i < k + kWidth; i += kPiece)
        __builtin_memcpy(out + i / kUnit * kUnit * kGroup + i % kUnit, some + i - k,
                         kPiece * sizeof(uint16_t));
    }
  }
}

inline void pack_panels_of(const PackHalfPanelsArgs& a) {
  // Pairs are turned over as if they were floats.
  alignas(64) float pairs[8][8];
  for (int64_t j = 0; j < a.n_panels * kPanel; j += 8) {
    auto* panel = reinterpret_cast<float*>(a.packed + j / kPanel * kPanel * a.stride) + j % kPanel;
    for (int64_t k = 0; k < a.stride; k += kWidth) {
      for (int64_t i = 0; i < 8; ++i)
        put(reinterpret_cast<uint16_t*>(pairs[i]), load(a.w + (j + i) * a.stride + k));
      transpose8(pairs[0], 8, panel + k / 2 * kPanel, [](int q) { return q * kPanel; });
    }
  }
}

template <typename Tile>
void encode_half(const EncodeHalfArgs& a) {
  constexpr int kGroup = Tile::kRows, kUnit = 2 * Tile::kUnit;
  const int64_t groups = (a.n + kGroup - 1) / kGroup, stride = a.n_panels * kPanel + kListSlack;
  const int64_t row_size = (a.stride + kUnit - 1) / kUnit * kUnit;
  int count[kMaxBlockRows + kGroup] = {};
  alignas(64) float total[kGroup * kPanel];
  const Tile product;
  // A panel's weights stay in the caches while all rows go by.
  for (int64_t p = 0; p < a.n_panels; ++p) {
    const int base = static_cast<int>(p * kPanel);
    for (int64_t g = 0; g < groups; ++g) {
      product.multiply(a.packed + g * kGroup * row_size, a.w + p * kPanel * a.stride, a.stride / 2, total);
      const int64_t row = g * kGroup;
      list_tile<kGroup>(total, a.bias + base, a.floor + row, base, a.row_value + row * stride,
                        a.row_index + row * stride, stride, count + row);
    }
  }
  join_rows(a.row_value, a.row_index, stride, count, a.n, a.value, a.index, a.row_ptr, a.first);
}

}  // namespace
}  // namespace saev

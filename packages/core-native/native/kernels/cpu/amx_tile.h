#pragma once
// What products of AMX's tiles have in common, for *.amx.cc only: all eight registers are 16 rows of 64
// bytes.

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

class AmxShapes {
 public:
  AmxShapes() {
    const Shapes shapes;
    // GCC's intrinsic tells of the first eight bytes only.
    __asm__ volatile("" : : "r"(&shapes) : "memory");
    _tile_loadconfig(&shapes);
  }
  /// A thread whose tiles are in use is slow to switch.
  ~AmxShapes() { _tile_release(); }
  AmxShapes(const AmxShapes&) = delete;
  AmxShapes& operator=(const AmxShapes&) = delete;

 private:
  struct alignas(64) Shapes {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  };
  static_assert(sizeof(Shapes) == 64);
};

/// Rows of a tile product, and bytes of each that one step takes.
constexpr int kAmxRows = 32;
constexpr int64_t kAmxBytes = 64;

/// 32 rows × 32 latents of `bytes` bytes, rounded up to kAmxBytes: their sums, 32 bits each, in four tiles.
/// `rows` [step][kAmxRows][kAmxBytes]; `w` [bytes / 4][32 latents][4]. Rows are padded with zeros to whole
/// steps, so that it does not matter what is read of `w` beyond its last columns, unless as floats it is not
/// finite. `Product::add()` adds tiles 4 and 5, the rows, times 6 and 7, the latents, to tiles 0 to 3.
template <typename Product>
SAEV_INLINE void multiply_amx(const void* rows, const void* w, int64_t bytes, void* out) {
  constexpr int64_t kTile = 16 * kAmxBytes, kLatents = 32 * 4;
  const auto* x = static_cast<const char*>(rows);
  const auto* y = static_cast<const char*>(w);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t k = 0; k < bytes; k += kAmxBytes, x += 2 * kTile, y += kAmxBytes / 4 * kLatents) {
    _tile_loadd(4, x, kAmxBytes);
    _tile_loadd(5, x + kTile, kAmxBytes);
    _tile_loadd(6, y, kLatents);
    _tile_loadd(7, y + kLatents / 2, kLatents);
    Product::add();
  }
  auto* sums = static_cast<char*>(out);
  _tile_stored(0, sums, kLatents);
  _tile_stored(1, sums + kLatents / 2, kLatents);
  _tile_stored(2, sums + 16 * kLatents, kLatents);
  _tile_stored(3, sums + 16 * kLatents + kLatents / 2, kLatents);
}

}  // namespace
}  // namespace saev

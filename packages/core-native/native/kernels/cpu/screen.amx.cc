// Compiled for CPUs that multiply tiles: 16 rows of 64 bytes by 16 latents, 16,384 products an instruction.

#include "kernels/cpu/amx_shapes.h"
#include "kernels/cpu/screen_tile.h"

namespace saev {
namespace {

/// 32 rows × 32 latents, their sums in four tiles. Rows are padded with zeros to whole tiles, so that it does
/// not matter what is read beyond the latents' last columns.
struct AmxTile {
  static constexpr int kRows = 32, kUnit = 64;

  SAEV_INLINE void multiply(const uint8_t* rows, const int8_t* w, int64_t steps, const int8_t* ahead,
                            int64_t n_ahead, int32_t* out) const {
    constexpr int64_t kTile = 16 * kUnit, kLatents = 2 * kWidth * 4;  // bytes
    prefetch_range(ahead, n_ahead);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < steps * 8; k += kUnit, rows += 2 * kTile, w += kUnit / 4 * kLatents) {
      _tile_loadd(4, rows, kUnit);
      _tile_loadd(5, rows + kTile, kUnit);
      _tile_loadd(6, w, kLatents);
      _tile_loadd(7, w + kLatents / 2, kLatents);
      // Unsigned by signed.
      _tile_dpbusd(0, 4, 6);
      _tile_dpbusd(1, 4, 7);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
    constexpr int64_t kRow = 2 * kWidth;
    _tile_stored(0, out, kRow * 4);
    _tile_stored(1, out + kWidth, kRow * 4);
    _tile_stored(2, out + 16 * kRow, kRow * 4);
    _tile_stored(3, out + 16 * kRow + kWidth, kRow * 4);
  }

 private:
  AmxShapes shapes_;
};

}  // namespace

namespace SAEV_LEVEL {

void screen_product(const ScreenProductArgs& a) {
  run_screen<AmxTile>(a);
}

}  // namespace SAEV_LEVEL
}  // namespace saev

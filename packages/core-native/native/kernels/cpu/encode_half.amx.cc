// Compiled for CPUs that multiply tiles: 16 rows of 32 bfloat16 by 16 latents, 8,192 products an instruction.

#include "kernels/cpu/amx_shapes.h"
#include "kernels/cpu/encode_half_tile.h"

namespace saev {
namespace {

/// 32 rows × 32 latents, their sums in four tiles. Rows are padded with zeros to whole tiles, so that it does
/// not matter what is read beyond a panel's last columns, unless that is not finite.
struct AmxTile {
  static constexpr int kRows = 32, kUnit = 16;

  SAEV_INLINE void multiply(const uint16_t* rows, const uint16_t* w, int64_t pairs, float* out) const {
    constexpr int64_t kTile = 16 * 2 * kUnit, kLine = 64, kLatents = 2 * kPanel;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < pairs; k += kUnit, rows += 2 * kTile, w += kUnit * kLatents) {
      _tile_loadd(4, rows, kLine);
      _tile_loadd(5, rows + kTile, kLine);
      _tile_loadd(6, w, kLatents * 2);
      _tile_loadd(7, w + kLatents / 2, kLatents * 2);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, out, kPanel * 4);
    _tile_stored(1, out + kWidth, kPanel * 4);
    _tile_stored(2, out + 16 * kPanel, kPanel * 4);
    _tile_stored(3, out + 16 * kPanel + kWidth, kPanel * 4);
  }

 private:
  AmxShapes shapes_;
};

}  // namespace

namespace SAEV_LEVEL {

void pack_half_rows(const PackHalfRowsArgs& a) {
  pack_rows_for<AmxTile>(a);
}
void pack_half_panels(const PackHalfPanelsArgs& a) {
  pack_panels_of(a);
}
void encode_half_segment(const EncodeHalfArgs& a) {
  encode_half<AmxTile>(a);
}

}  // namespace SAEV_LEVEL
}  // namespace saev

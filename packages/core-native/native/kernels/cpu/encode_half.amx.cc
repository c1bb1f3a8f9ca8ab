// Compiled for CPUs that multiply tiles: 16 rows of 32 bfloat16 by 16 latents, 8,192 products an instruction.

#include "kernels/cpu/amx_tile.h"
#include "kernels/cpu/encode_half_tile.h"

namespace saev {
namespace {

struct Bfloat16Product {
  SAEV_INLINE static void add() {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
};

struct AmxTile {
  static constexpr int kRows = kAmxRows, kUnit = kAmxBytes / 4;

  SAEV_INLINE void multiply(const uint16_t* rows, const uint16_t* w, int64_t pairs, float* out) const {
    multiply_amx<Bfloat16Product>(rows, w, pairs * 4, out);
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

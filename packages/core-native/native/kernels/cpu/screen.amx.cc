// Compiled for CPUs that multiply tiles: 16 rows of 64 bytes by 16 latents, 16,384 products an instruction.

#include "kernels/cpu/amx_tile.h"
#include "kernels/cpu/screen_tile.h"

namespace saev {
namespace {

struct Int8Product {
  SAEV_INLINE static void add() {
    // Unsigned by signed.
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
};

struct AmxTile {
  static constexpr int kRows = kAmxRows, kUnit = kAmxBytes;
  static constexpr bool kWraps = false;

  SAEV_INLINE void multiply(const uint8_t* rows, const int8_t* w, int64_t steps, const int8_t* ahead,
                            int64_t n_ahead, int32_t* out) const {
    prefetch_range(ahead, n_ahead);
    multiply_amx<Int8Product>(rows, w, steps * 8, out);
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

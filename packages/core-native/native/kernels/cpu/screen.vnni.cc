// Compiled for CPUs that multiply four 8-bit pairs in one instruction: AVX512-VNNI, and AVX-VNNI.

#include "kernels/cpu/screen_tile.h"

namespace saev::SAEV_LEVEL {

void screen_product(const ScreenProductArgs& a) {
#if defined(__AVX512VNNI__)
  run_screen<VectorTile<VnniProduct, 12>>(a);
#else
  run_screen<VectorTile<VnniProduct, 6>>(a);
#endif
}

}  // namespace saev::SAEV_LEVEL

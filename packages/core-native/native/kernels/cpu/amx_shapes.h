#pragma once
// The tile registers of AMX while a function uses them, for *.amx.cc only: all eight are 16 rows of 64 bytes.

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

}  // namespace
}  // namespace saev

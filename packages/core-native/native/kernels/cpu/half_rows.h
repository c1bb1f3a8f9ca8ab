#pragma once
// Between float32 and the two 16-bit formats in which shards can be stored: float16 (10 bits of fraction, up
// to 65504) and bfloat16 (7 bits, the range of float32). A value is rounded to nearest, ties to even;
// infinities stay, NaN stays NaN. Every level gives the same bits but for the payload of a NaN.

#include <cstdint>

#include "kernels/level.h"

namespace saev {

/// out[i] = x[i] for i < n: exact. Nothing needs to be aligned.
using WidenRow = void (*)(const uint16_t* x, int64_t n, float* out);
/// out[i] = x[i], rounded. Returns the first i whose finite value became infinite, −1 when there is none;
/// values before and after it are converted all the same.
using NarrowRow = int64_t (*)(const float* x, int64_t n, uint16_t* out);

WidenRow widen_float16(Level level = active_level());
WidenRow widen_bfloat16(Level level = active_level());
NarrowRow narrow_float16(Level level = active_level());
NarrowRow narrow_bfloat16(Level level = active_level());

}  // namespace saev

#pragma once
// The iteration of Muon (muon.h has its formula), on libtorch's matrix products.

#include <cstdint>

namespace saev {

/// X nearly orthogonal: x [rows, columns], C order, in place.
void newton_schulz(float* x, int64_t rows, int64_t columns);

}  // namespace saev

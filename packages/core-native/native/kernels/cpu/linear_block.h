#pragma once
// One task of `linear`: what level files implement.

#include "kernels/cpu/linear.h"

namespace saev {

/// Inputs of a block of packed rows, at most.
inline constexpr int64_t kLinearPacked = 256;

struct LinearBlock {
  int64_t n_in, n_out;
  Epilogue epilogue;
  Gelu gelu;
  const void* w;  ///< of panel `panel_from`
  const float *bias, *scale;
  RowsView in, out;              ///< of the first row
  int64_t rows;                  ///< at most kLinearRows
  int64_t panel_from, panel_to;  ///< which columns of `out`
  float* partial;                ///< scratch [panel_to − panel_from][kLinearRows][kLinearPanel]
  float* packed;                 ///< scratch [kLinearRows][kLinearPacked]
  void* tail;                    ///< scratch for a group of rows of `in`: [12][in.stride] elements
};

#define SAEV_DECLARE(level)                \
  namespace level {                        \
  void linear_block(const LinearBlock& a); \
  }
SAEV_DECLARE(avx2)
SAEV_DECLARE(avx512)
SAEV_DECLARE(neon)
SAEV_DECLARE(avx512bf16)
#undef SAEV_DECLARE

}  // namespace saev

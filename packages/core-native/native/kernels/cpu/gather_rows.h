#pragma once
// out[i] += Σ_q value[q] · x[index[q]] for lists of sparse entries: the decoder (lists of latents, rows of
// W_dec) and the gradient of W_enc (lists of rows, rows of x) are both this.
//
// One slice of at most 192 (AVX-512) or 96 columns of `out[i]` stays in registers while a list is worked off,
// so an entry costs its loads and its multiply-adds and no store.

#include <cstdint>

#include "kernels/dispatch.h"

namespace saev {

struct GatherRowsArgs {
  const float* x;         ///< [., width]; 64-byte aligned
  int64_t width;          ///< multiple of 16
  const int32_t* ptr;     ///< [n + 1] bounds of the lists
  int64_t n;              ///< lists
  const uint16_t* index;  ///< row of x of each entry; readable for 32 entries beyond the last list
  const float* value;     ///< of each entry
  float* out;             ///< [n, width]; 64-byte aligned, added to
  const float* next;      ///< what the next call will gather from, fetched ahead a share per list; or null
  int64_t next_floats;    ///< how much of it
  bool look_ahead;        ///< fetch rows a few entries ahead: pays when x is not in the second-level cache
};

SAEV_DECLARE_KERNEL(void, gather_rows, (const GatherRowsArgs&))

}  // namespace saev

#pragma once
// For each entry q of latent j's list, with row r = index[q]: g[j] += value[q] · e[r], the gradient of W_dec,
// and dot[q] += e[r] · w[j], the gradient of f. Both need e[r], the gradient of the reconstruction: it is
// loaded once.

#include <cstdint>

#include "kernels/dispatch.h"

namespace saev {

struct DecoderGradientArgs {
  const float* e;         ///< [., width] a slice of the reconstruction's gradient; 64-byte aligned
  int64_t width;          ///< multiple of 16
  const float* w;         ///< [n, width] the latents' slice of W_dec
  const int32_t* ptr;     ///< [n + 1] bounds of the lists
  int64_t n;              ///< latents
  const uint16_t* index;  ///< row of e of each entry; readable for 32 entries beyond the last list
  const float* value;     ///< f of each entry
  float* g;               ///< [n, width] added to
  float* dot;             ///< of each entry, added to
  float* scratch;         ///< [8 · (longest list + 80)]; 64-byte aligned
  const float* next;      ///< the block of e needed next, fetched ahead a share per list; or null
  int64_t next_floats;
  bool look_ahead;
};

SAEV_DECLARE_KERNEL(void, decoder_gradient, (const DecoderGradientArgs&))

}  // namespace saev

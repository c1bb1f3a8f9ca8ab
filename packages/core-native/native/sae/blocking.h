#pragma once
// Block sizes of a step, chosen from the last step's density (docs/performance.md has the measurements).

#include <cstdint>

#include "kernels/level.h"

namespace saev {

struct Blocking {
  int64_t
      rows;  ///< rows that the backward pass gathers from at once; divides kRowBlock or is a multiple of it
  int64_t latents;            ///< latents of one backward task, a multiple of `segment`
  int64_t segment;            ///< latents of a list segment
  bool decode_look_ahead;     ///< fetch rows of W_dec ahead within a list
  bool decode_next;           ///< fetch the next segment of W_dec
  bool backward_look_ahead;   ///< fetch rows of x and of the error ahead within a list
  bool backward_next;         ///< fetch the next rows
  int64_t decode_blocks = 1;  ///< row blocks that are decoded together
  bool screen = false;        ///< find out in 8 bits which products to make in float32 (encoder_screen.h)
};

/// `density` < 0: unknown, taken as a half. With many threads a task gets fewer latents, so that there is
/// work for all.
Blocking choose_blocking(double density, Level level, int64_t padded_sae, int threads);

}  // namespace saev

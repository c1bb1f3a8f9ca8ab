#pragma once
// The inference face of a sparse autoencoder, as statistics and visuals use it: rows in, active latents out.

#include "sae/sparse_batch.h"

namespace saev {

class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual int64_t d_vit() const = 0;
  virtual int64_t d_sae() const = 0;
  /// f_x of `rows` rows `x` [rows, d_vit], C order. Uses all of the calling thread's cores.
  virtual void encode(const float* x, int64_t rows, SparseBatch& out) const = 0;
};

}  // namespace saev

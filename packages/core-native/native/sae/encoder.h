#pragma once
// The inference face of a sparse autoencoder, as statistics and visuals use it: rows in, active latents out.

#include <memory>

#include "sae/sparse_batch.h"

namespace saev {

class Encoder {
 public:
  /// What one batch leaves for the next, so that it is faster: buffers, and what the rows were like. What is
  /// encoded does not depend on it. For one thread at a time.
  class State {
   public:
    virtual ~State() = default;
  };

  virtual ~Encoder() = default;
  virtual int64_t d_vit() const = 0;
  virtual int64_t d_sae() const = 0;
  /// For `encode` of many batches, of this encoder alone.
  virtual std::unique_ptr<State> state() const = 0;
  /// f_x of `rows` rows `x` [rows, d_vit], C order. Uses all of the calling thread's cores.
  virtual void encode(const float* x, int64_t rows, SparseBatch& out, State* state = nullptr) const = 0;
};

}  // namespace saev

#pragma once
// The seam between data and training: whatever yields rows of activations. Shuffled shards, ordered shards,
// live images; training and statistics never know which.

#include <cstdint>
#include <string>
#include <vector>

#include "core/aligned.h"
#include "core/job.h"

namespace saev {

/// Rows handed from a source to its consumer. The consumer owns it and passes it again and again.
struct Batch {
  int64_t rows = 0;          ///< rows in use, ≤ capacity
  int64_t dim = 0;           ///< d_vit
  AlignedArray<float> acts;  ///< [capacity, dim], C order; clamped, centred and scaled
  std::vector<int64_t>
      index;  ///< [rows] position in the source's own order (as the Python package's `index`)
  std::vector<int64_t> image_i;  ///< [rows]
  std::vector<int64_t> patch_i;  ///< [rows] patch within the image, −1 when the row is no single patch

  /// Makes room for `capacity` rows of `width`; keeps nothing.
  void reserve(int64_t capacity, int64_t width) {
    if (static_cast<int64_t>(acts.size()) < capacity * width) {
      acts = AlignedArray<float>(static_cast<size_t>(capacity * width));
    }
    dim = width;
    rows = 0;
  }
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;

  /// Width of a row: d_vit.
  virtual int64_t dim() const = 0;
  /// Rows of one epoch.
  virtual int64_t length() const = 0;
  /// Fills at most `max_rows` rows and returns how many; 0 at the end of an epoch, after which the next call
  /// begins the next epoch (a shuffled source: in another order).
  virtual int64_t next(Batch& batch, int64_t max_rows, const Job& job) = 0;
  /// Back to the beginning of the first epoch.
  virtual void reset() = 0;

  /// What a checkpoint stores to go on from here, and the way back. Opaque to everyone else.
  virtual std::string state() const = 0;
  virtual void restore(const std::string& state) = 0;
};

}  // namespace saev

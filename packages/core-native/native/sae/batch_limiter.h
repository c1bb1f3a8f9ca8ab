#pragma once
// How many batches a training run draws.

#include <algorithm>
#include <cstdint>

namespace saev {

/// Counts as the Python package of June 2025 does: each batch as `batch_size` whatever its rows, until more
/// than `n_samples` are counted; at the end of an epoch one batch is uncounted, since the last was short.
/// Where that would never end, because an epoch is a single batch, the batch counts with its own rows.
class BatchLimiter {
 public:
  BatchLimiter(int64_t n_samples, int64_t batch_size) : n_samples_(n_samples), batch_size_(batch_size) {}

  /// Call after each batch; true when it was the last.
  bool after_batch(int64_t rows) {
    ++in_epoch_;
    last_rows_ = rows;
    seen_ += batch_size_;
    return seen_ > n_samples_;
  }

  /// Call at the end of an epoch; true when the run is over.
  bool after_epoch() {
    seen_ -= batch_size_;
    if (in_epoch_ <= 1) seen_ += last_rows_;
    in_epoch_ = 0;
    return seen_ > n_samples_;
  }

  int64_t counted() const { return seen_; }

 private:
  int64_t n_samples_, batch_size_;
  int64_t seen_ = 0, in_epoch_ = 0, last_rows_ = 0;
};

/// Calls `visit(rows)` for each batch of a run over epochs of `n_rows` rows, until it returns false.
template <typename Visit>
void for_each_planned_batch(int64_t n_rows, int64_t batch_size, int64_t n_samples, const Visit& visit) {
  if (n_rows <= 0 || batch_size <= 0) return;
  BatchLimiter limiter(n_samples, batch_size);
  do {
    for (int64_t at = 0; at < n_rows; at += batch_size) {
      const int64_t rows = std::min(batch_size, n_rows - at);
      if (!visit(rows) || limiter.after_batch(rows)) return;
    }
  } while (!limiter.after_epoch());
}

}  // namespace saev

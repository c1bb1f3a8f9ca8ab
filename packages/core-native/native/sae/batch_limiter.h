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
    ++count_.in_epoch;
    count_.last_rows = rows;
    count_.seen += batch_size_;
    return over();
  }

  /// Call at the end of an epoch; true when the run is over.
  bool after_epoch() {
    count_.seen -= batch_size_;
    if (count_.in_epoch <= 1) count_.seen += count_.last_rows;
    count_.in_epoch = 0;
    return over();
  }

  /// Where counting is, to go on from in another process.
  struct Count {
    int64_t seen = 0;       ///< samples counted
    int64_t in_epoch = 0;   ///< batches since the epoch began
    int64_t last_rows = 0;  ///< rows of the last batch
  };
  const Count& count() const { return count_; }
  void go_on_from(const Count& count) { count_ = count; }
  /// Whether the run is over, as the last `after_…` said.
  bool over() const { return count_.seen > n_samples_; }

 private:
  int64_t n_samples_, batch_size_;
  Count count_;
};

/// Calls `visit(rows)` for each batch of a run over epochs of `n_rows` rows, until it returns false. With
/// `from`, for those that are left of a run that is there.
template <typename Visit>
void for_each_planned_batch(int64_t n_rows, int64_t batch_size, int64_t n_samples, const Visit& visit,
                            const BatchLimiter::Count& from = {}) {
  if (n_rows <= 0 || batch_size <= 0) return;
  BatchLimiter limiter(n_samples, batch_size);
  limiter.go_on_from(from);
  if (limiter.over()) return;
  int64_t at = from.in_epoch * batch_size;
  do {
    for (; at < n_rows; at += batch_size) {
      const int64_t rows = std::min(batch_size, n_rows - at);
      if (!visit(rows) || limiter.after_batch(rows)) return;
    }
    at = 0;
  } while (!limiter.after_epoch());
}

/// Number of batches of a run, without counting them.
inline int64_t planned_steps(int64_t n_rows, int64_t batch_size, int64_t n_samples) {
  if (n_rows <= 0 || batch_size <= 0) return 0;
  const int64_t in_epoch = (n_rows + batch_size - 1) / batch_size;
  if (in_epoch == 1) {
    // Each epoch counts its own rows; the last batch is counted in full when the run ends.
    return n_samples < batch_size ? 1 : (n_samples - batch_size) / n_rows + 2;
  }
  // An epoch counts one batch less than it has. The run ends where so many are counted:
  const int64_t counted = std::max<int64_t>(1, n_samples / batch_size + 1);
  const int64_t epochs = counted <= in_epoch ? 0 : (counted - in_epoch + in_epoch - 2) / (in_epoch - 1);
  return epochs * in_epoch + counted - epochs * (in_epoch - 1);
}

}  // namespace saev

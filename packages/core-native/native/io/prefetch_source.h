#pragma once
// Reads the next batch while the consumer works on this one.

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "io/batch_source.h"

namespace saev {

/// One batch ahead, on a thread of its own. `state()` is that of the consumer: the batch ahead is not
/// counted, so that restoring gives exactly the batches that the consumer has not seen.
class PrefetchSource final : public BatchSource {
 public:
  explicit PrefetchSource(std::unique_ptr<BatchSource> inner);
  ~PrefetchSource() override;

  int64_t dim() const override { return inner_->dim(); }
  int64_t length() const override { return inner_->length(); }
  int64_t next(Batch& batch, int64_t max_rows, const Job& job) override;
  void reset() override;
  std::string state() const override { return consumer_state_; }
  void restore(const std::string& state) override;

 private:
  enum class Phase { kIdle, kRequested, kReady, kStop };

  void run();
  void request(int64_t max_rows);
  /// Waits for the batch ahead and throws it away.
  void drop_ahead();

  std::unique_ptr<BatchSource> inner_;
  std::string consumer_state_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::kIdle;
  Batch ahead_;
  int64_t ahead_max_rows_ = 0;
  std::string ahead_state_;  ///< the inner source's state after the batch ahead
  std::exception_ptr failure_;
  AbortFlag stop_;
  std::thread thread_;
};

}  // namespace saev

#include "io/prefetch_source.h"

#include <chrono>
#include <utility>

namespace saev {

PrefetchSource::PrefetchSource(std::unique_ptr<BatchSource> inner)
    : inner_(std::move(inner)),
      consumer_state_(inner_->state()),
      stop_(std::make_shared<std::atomic<bool>>(false)) {
  thread_ = std::thread([this] { run(); });
}

PrefetchSource::~PrefetchSource() {
  stop_->store(true);
  {
    std::lock_guard lock(mutex_);
    phase_ = Phase::kStop;
  }
  changed_.notify_all();
  thread_.join();
}

void PrefetchSource::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return phase_ == Phase::kRequested || phase_ == Phase::kStop; });
    if (phase_ == Phase::kStop) return;
    lock.unlock();
    std::exception_ptr failure;
    try {
      inner_->next(ahead_, ahead_max_rows_, Job(stop_, {}));
      ahead_state_ = inner_->state();
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (phase_ == Phase::kStop) return;
    failure_ = failure;
    phase_ = Phase::kReady;
    changed_.notify_all();
  }
}

void PrefetchSource::request(int64_t max_rows) {
  {
    std::lock_guard lock(mutex_);
    ahead_max_rows_ = max_rows;
    phase_ = Phase::kRequested;
  }
  changed_.notify_all();
}

int64_t PrefetchSource::next(Batch& batch, int64_t max_rows, const Job& job) {
  job.check_abort();
  if (phase_ != Phase::kIdle && ahead_max_rows_ != max_rows) drop_ahead();
  if (phase_ == Phase::kIdle) request(max_rows);
  {
    std::unique_lock lock(mutex_);
    // A slow disk must not hold up an abort; the batch stays ahead for the next call.
    while (
        !changed_.wait_for(lock, std::chrono::milliseconds(50), [this] { return phase_ == Phase::kReady; })) {
      job.check_abort();
    }
    phase_ = Phase::kIdle;
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }
  std::swap(batch, ahead_);
  consumer_state_ = ahead_state_;
  const int64_t rows = batch.rows;
  request(max_rows);
  return rows;
}

void PrefetchSource::drop_ahead() {
  {
    std::unique_lock lock(mutex_);
    if (phase_ != Phase::kIdle) changed_.wait(lock, [this] { return phase_ == Phase::kReady; });
    phase_ = Phase::kIdle;
    failure_ = nullptr;
  }
  inner_->restore(consumer_state_);
}

void PrefetchSource::reset() {
  drop_ahead();
  inner_->reset();
  consumer_state_ = inner_->state();
}

void PrefetchSource::restore(const std::string& state) {
  drop_ahead();
  inner_->restore(state);
  consumer_state_ = inner_->state();
}

}  // namespace saev

#pragma once
// A loader belongs to one job at a time: two that share it would each get half of the rows.

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "io/batch_source.h"
#include "io/buffer_pool.h"

namespace saev {

class ExclusiveSource final : public BatchSource {
 public:
  explicit ExclusiveSource(std::unique_ptr<BatchSource> inner) : inner_(std::move(inner)) {}

  int64_t dim() const override { return inner_->dim(); }
  int64_t length() const override { return inner_->length(); }
  int64_t next(Batch& batch, int64_t max_rows, const Job& job) override {
    const auto lock = take();
    return inner_->next(batch, max_rows, job);
  }
  void reset() override {
    const auto lock = take();
    inner_->reset();
  }
  std::string state() const override {
    const auto lock = take();
    return inner_->state();
  }
  void restore(const std::string& state) override {
    const auto lock = take();
    inner_->restore(state);
  }
  /// Calls `work` with the source itself, which nobody else uses meanwhile.
  template <typename Work>
  auto with(Work work) {
    const auto lock = take();
    return work(*inner_);
  }
  /// Arrays for batches that leave native code.
  const std::shared_ptr<BufferPool>& pool() const { return pool_; }

 private:
  std::unique_lock<std::mutex> take() const {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) {
      throw Error(Code::kInvalidArgument,
                  "this loader is being read by another call; wait for it, or open a second loader");
    }
    return lock;
  }

  std::unique_ptr<BatchSource> inner_;
  std::shared_ptr<BufferPool> pool_ = std::make_shared<BufferPool>();
  mutable std::mutex mutex_;
};

}  // namespace saev

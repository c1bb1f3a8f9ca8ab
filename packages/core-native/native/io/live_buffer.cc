#include "io/live_buffer.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "core/parallel.h"

namespace saev {
namespace {

void one_writer(bool giving) {
  if (giving)
    throw Error(Code::kInvalidArgument, "live activations: another call gives some; one fills a buffer");
}

constexpr auto kLook = std::chrono::milliseconds(50);  // how often a waiting thread asks whether to stop

}  // namespace

LiveBuffer::LiveBuffer(RecordedRows rows, int64_t images_per_block, int slots,
                       std::function<std::vector<int64_t>(int64_t)> images_of)
    : rows_(std::move(rows)),
      images_per_block_(images_per_block),
      images_of_(std::move(images_of)),
      slots_(static_cast<size_t>(slots)) {}

int64_t LiveBuffer::bytes() const {
  return static_cast<int64_t>(slots_.size()) * images_per_block_ * rows_.rows_per_image() * rows_.dim() * 4;
}

bool LiveBuffer::wanted(int64_t block) const {
  return block >= at_ && block < at_ + static_cast<int64_t>(slots_.size());
}

LiveBuffer::Slot* LiveBuffer::find(int64_t block) {
  const auto slot = std::ranges::find(slots_, block, &Slot::block);
  return slot == slots_.end() ? nullptr : &*slot;
}

void LiveBuffer::aim(int64_t block) {
  {
    std::lock_guard lock(mutex_);
    if (at_ == block) return;
    at_ = block;
  }
  changed_.notify_all();
}

const float* LiveBuffer::wait(int64_t block, const Job& job) {
  std::unique_lock lock(mutex_);
  for (;;) {
    job.check_abort();
    const Slot* slot = find(block);
    if (slot != nullptr && slot->filled == slot->images) return slot->rows.data();
    if (failure_) throw Error(*failure_);
    if (closed_) throw Error(Code::kDisposed, "the source of live activations was closed while it was read");
    changed_.wait_for(lock, kLook);
  }
}

std::optional<LiveBuffer::Want> LiveBuffer::want(const Job& job) {
  std::unique_lock lock(mutex_);
  for (;;) {
    job.check_abort();
    if (closed_) return std::nullopt;
    one_writer(giving_);
    for (int64_t block = at_; wanted(block); ++block) {
      Slot* slot = find(block);
      if (slot != nullptr && slot->filled == slot->images) continue;
      if (slot == nullptr) {
        slot = &*std::ranges::find_if(slots_, [this](const Slot& s) { return !wanted(s.block); });
      }
      Want out{block, images_of_(block)};
      slot->block = block;
      slot->images = static_cast<int64_t>(out.images.size());
      slot->filled = 0;
      if (slot->rows.size() == 0) {
        slot->rows = AlignedArray<float>(
            static_cast<size_t>(images_per_block_ * rows_.rows_per_image() * rows_.dim()));
      }
      return out;
    }
    changed_.wait_for(lock, kLook);
  }
}

bool LiveBuffer::give(int64_t block, int64_t first, const float* tokens, int64_t n) {
  Slot* slot = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (closed_ || !wanted(block)) return false;
    one_writer(giving_);
    slot = find(block);
    if (slot == nullptr || slot->filled != first || n < 1 || first + n > slot->images) {
      throw Error(Code::kInvalidArgument, "live activations: images " + std::to_string(first) + " to " +
                                              std::to_string(first + n - 1) + " of block " +
                                              std::to_string(block) + " are not those that come next");
    }
    giving_ = true;
  }
  // Nobody else writes to this slot: only `want`, of the same writer, takes it for another block.
  const int64_t floats = rows_.rows_per_image() * rows_.dim();
  parallel_tasks(n, [&](int64_t i, int) {
    rows_.read(tokens + i * rows_.shape().floats_per_image(), slot->rows.data() + (first + i) * floats);
  });
  {
    std::lock_guard lock(mutex_);
    slot->filled = first + n;
    giving_ = false;
  }
  changed_.notify_all();
  return true;
}

void LiveBuffer::fail(const Error& why) {
  {
    std::lock_guard lock(mutex_);
    if (!failure_) failure_ = why;
  }
  changed_.notify_all();
}

void LiveBuffer::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace saev

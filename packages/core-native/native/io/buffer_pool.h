#pragma once
// Large arrays that are used again and again. A fresh array of a batch's size costs more in page faults and
// zeroing than reading the batch does.

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/aligned.h"

namespace saev {

class BufferPool {
 public:
  /// An array of at least `size` values, with whatever is in them, or an empty one when none is at hand.
  AlignedArray<float> take(size_t size) {
    const std::lock_guard lock(mutex_);
    for (auto& array : free_) {
      if (array.size() < size) continue;
      AlignedArray<float> found = std::move(array);
      array = std::move(free_.back());
      free_.pop_back();
      return found;
    }
    return {};
  }
  /// Keeps the array for the next `take`, if there are not enough already.
  void give(AlignedArray<float> array) {
    const std::lock_guard lock(mutex_);
    if (free_.size() < kKept) free_.push_back(std::move(array));
  }

 private:
  static constexpr size_t kKept = 3;  ///< one being filled, one being used, one in between
  std::mutex mutex_;
  std::vector<AlignedArray<float>> free_;
};

}  // namespace saev

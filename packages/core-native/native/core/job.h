#pragma once
// What a long operation gets to see of its caller: whether to stop, and where to tell how far it is.
// Knows nothing of JavaScript, so that every stage can be driven from a C++ test.

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/error.h"

namespace saev {

/// Set once, from any thread; polled by the work.
using AbortFlag = std::shared_ptr<std::atomic<bool>>;

/// One report. `values` become further properties of the object that `onProgress` is called with.
struct Progress {
  double done = 0;
  double total = 0;
  std::vector<std::pair<const char*, double>> values;  ///< names must be literals
};

class Job {
 public:
  Job() : abort_(std::make_shared<std::atomic<bool>>(false)) {}
  Job(AbortFlag abort, std::function<void(Progress)> on_progress)
      : abort_(std::move(abort)), on_progress_(std::move(on_progress)) {}

  bool aborted() const { return abort_->load(std::memory_order_relaxed); }
  /// Throws Code::kAborted when the caller asked to stop. Call it at least every 100 ms of work.
  void check_abort() const {
    if (aborted()) throw Error(Code::kAborted, "aborted");
  }
  /// Safe from any thread; never blocks.
  void report(Progress progress) const {
    if (on_progress_) on_progress_(std::move(progress));
  }

 private:
  AbortFlag abort_;
  std::function<void(Progress)> on_progress_;
};

}  // namespace saev

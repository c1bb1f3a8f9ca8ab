#pragma once
// The threads that help `parallel_tasks` (core/parallel.h), one pool for the process. Who calls works as well
// and waits for nobody but those who took a task of his: several callers at once share the helpers.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

namespace saev {

class ThreadPool {
 public:
  /// Never destroyed: its threads sleep until the process ends.
  static ThreadPool& shared();

  /// Calls `work(task, slot)` for every task in [0, n_tasks) on the calling thread and on up to `threads` − 1
  /// helpers, `slot` < threads. The first exception is rethrown when all have stopped.
  void run(int64_t n_tasks, int threads, const std::function<void(int64_t task, int slot)>& work);

  /// Whether the calling thread is within a task.
  static bool within_task();

 private:
  struct Region;
  /// Starts helpers until there are `n`; fewer where the system gives no more threads.
  void ensure_helpers(int n);
  [[noreturn]] void help();
  static void drain(Region& region, int slot);

  std::mutex mutex_;
  std::condition_variable wanted_;    ///< of helpers: a region has free slots
  std::condition_variable finished_;  ///< of callers: a helper has left a region
  std::vector<Region*> open_;         ///< regions with free slots, oldest first
  std::atomic<int> n_open_{0};        ///< size of `open_`, for helpers that look without the lock
  int helpers_ = 0;
};

}  // namespace saev

#include "core/parallel.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

namespace saev {

int num_threads() {
  return std::max(1, at::get_num_threads());
}
void set_num_threads(int n) {
  at::set_num_threads(std::max(1, n));
}

void parallel_tasks(int64_t n_tasks, const std::function<void(int64_t, int)>& work) {
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), n_tasks));
  if (threads <= 1) {
    for (int64_t task = 0; task < n_tasks; ++task) work(task, 0);
    return;
  }
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  // One slot a thread; at::parallel_for with grain 1 hands each of them exactly one index.
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot) {
      try {
        for (int64_t task = next++; task < n_tasks; task = next++) work(task, static_cast<int>(slot));
      } catch (...) {
        next = n_tasks;
        std::lock_guard lock(failure_mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace saev

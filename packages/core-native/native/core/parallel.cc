#include "core/parallel.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "core/thread_pool.h"

namespace saev {

int num_threads() {
  return std::max(1, at::get_num_threads());
}
void set_num_threads(int n) {
  at::set_num_threads(std::max(1, n));
}

void parallel_tasks(int64_t n_tasks, const std::function<void(int64_t, int)>& work) {
  const bool alone = ThreadPool::within_task() || at::in_parallel_region();
  ThreadPool::shared().run(n_tasks, alone ? 1 : num_threads(), work);
}

}  // namespace saev

#include "core/thread_pool.h"

#include <c10/util/ParallelGuard.h>

#include <algorithm>
#include <system_error>
#include <thread>

namespace saev {
namespace {

/// Looks before a thread sleeps, some 50 µs: within a step the next tasks come sooner than a sleeper wakes.
constexpr int kLooks = 1500;
constexpr int kMostHelpers = 1023;

thread_local bool inside = false;

void pause_core() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <typename Done>
void look(const Done& done) {
  for (int i = 0; i < kLooks && !done(); ++i) pause_core();
}

}  // namespace

/// One call of `run`. All but `next` and `n_inside` is guarded by the pool's mutex.
struct ThreadPool::Region {
  const std::function<void(int64_t, int)>& work;
  const int64_t n_tasks;
  const int slots;
  std::atomic<int64_t> next{0};
  int taken = 1;                 ///< slots given away, the caller's among them
  std::atomic<int> n_inside{0};  ///< helpers that have not left
  std::mutex failure_mutex{};
  std::exception_ptr failure{};
};

ThreadPool& ThreadPool::shared() {
  static auto* pool = new ThreadPool;
  return *pool;
}

bool ThreadPool::within_task() {
  return inside;
}

void ThreadPool::drain(Region& region, int slot) {
  const bool outer = inside;
  inside = true;
  // libtorch's operations within a task stay on this thread.
  const c10::ParallelGuard serial(true);
  try {
    for (int64_t task = region.next++; task < region.n_tasks; task = region.next++) region.work(task, slot);
  } catch (...) {
    region.next = region.n_tasks;
    std::lock_guard lock(region.failure_mutex);
    if (!region.failure) region.failure = std::current_exception();
  }
  inside = outer;
}

void ThreadPool::ensure_helpers(int n) {
  while (helpers_ < std::min(n, kMostHelpers)) {
    try {
      std::thread([this] { help(); }).detach();
    } catch (const std::system_error&) {
      return;  // The caller and those that there are do the work.
    }
    ++helpers_;
  }
}

void ThreadPool::help() {
  for (;;) {
    look([this] { return n_open_.load(std::memory_order_relaxed) > 0; });
    std::unique_lock lock(mutex_);
    wanted_.wait(lock, [this] { return !open_.empty(); });
    Region& region = *open_.front();
    const int slot = region.taken++;
    if (region.taken == region.slots) {
      open_.erase(open_.begin());
      --n_open_;
    }
    ++region.n_inside;
    lock.unlock();
    drain(region, slot);
    lock.lock();
    // The region ends with this: its caller may be looking.
    if (--region.n_inside == 0) finished_.notify_all();
  }
}

void ThreadPool::run(int64_t n_tasks, int threads, const std::function<void(int64_t, int)>& work) {
  Region region{
      .work = work, .n_tasks = n_tasks, .slots = static_cast<int>(std::min<int64_t>(threads, n_tasks))};
  if (region.slots > 1) {
    std::lock_guard lock(mutex_);
    ensure_helpers(region.slots - 1);
    open_.push_back(&region);
    ++n_open_;
    if (region.slots == 2) {
      wanted_.notify_one();
    } else {
      wanted_.notify_all();
    }
  }
  drain(region, 0);
  if (region.slots > 1) {
    std::unique_lock lock(mutex_);
    if (const auto at = std::find(open_.begin(), open_.end(), &region); at != open_.end()) {
      open_.erase(at);
      --n_open_;
    }
    if (region.n_inside > 0) {
      lock.unlock();
      look([&region] { return region.n_inside.load(std::memory_order_relaxed) == 0; });
      lock.lock();
      finished_.wait(lock, [&region] { return region.n_inside == 0; });
    }
  }
  if (region.failure) std::rethrow_exception(region.failure);
}

}  // namespace saev

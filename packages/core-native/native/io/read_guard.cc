#include "io/read_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <vector>

namespace saev {

/// One guarded range. A handler may look at it at any time: it is never freed, but used again for another.
struct ReadGuard::Range {
  std::atomic<uintptr_t> begin{0}, end{0};  ///< end 0: not in use
  std::atomic<bool> failed{false};
  Range* next = nullptr;
};

struct GuardedRanges {
  static inline std::atomic<ReadGuard::Range*> first{nullptr};
  static inline struct sigaction before{};
  static inline uintptr_t page = 4096;
  static inline std::mutex mutex;                       ///< of `unused`, and of adding
  static inline std::vector<ReadGuard::Range*> unused;  ///<

  /// Only what is allowed in a handler: atomics, and mmap, which is one system call.
  static void on_fault(int signal, siginfo_t* info, void* context) {
    const int error = errno;
    const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
    for (ReadGuard::Range* r = first.load(std::memory_order_acquire); r != nullptr; r = r->next) {
      const uintptr_t end = r->end.load(std::memory_order_acquire);
      if (at >= end || at < r->begin.load(std::memory_order_acquire)) continue;
      // All that comes after it too: a file that was cut would fault at each page.
      const uintptr_t from = at / page * page;
      void* zeros = ::mmap(reinterpret_cast<void*>(from), end - from, PROT_READ,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      if (zeros == MAP_FAILED) break;
      r->failed.store(true, std::memory_order_release);
      errno = error;
      return;
    }
    if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != nullptr) {
      before.sa_sigaction(signal, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
      before.sa_handler(signal);
    } else {
      // The access is made again, and now ends the process as it would have.
      ::signal(SIGBUS, SIG_DFL);
    }
  }

  static void install() {
    static std::once_flag once;
    std::call_once(once, [] {
      page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
      struct sigaction action{};
      action.sa_sigaction = on_fault;
      action.sa_flags = SA_SIGINFO | SA_ONSTACK;
      ::sigemptyset(&action.sa_mask);
      ::sigaction(SIGBUS, &action, &before);
    });
  }
};

ReadGuard::ReadGuard(std::span<const std::byte> mapped) {
  GuardedRanges::install();
  const std::lock_guard lock(GuardedRanges::mutex);
  const bool fresh = GuardedRanges::unused.empty();
  if (fresh) {
    range_ = new Range;
    range_->next = GuardedRanges::first.load(std::memory_order_relaxed);
  } else {
    range_ = GuardedRanges::unused.back();
    GuardedRanges::unused.pop_back();
  }
  const auto begin = reinterpret_cast<uintptr_t>(mapped.data());
  range_->failed.store(false, std::memory_order_relaxed);
  range_->begin.store(begin, std::memory_order_relaxed);
  range_->end.store(mapped.empty() ? 0 : begin + mapped.size(), std::memory_order_release);
  // A new one becomes visible when it is whole; one that is used again is in the list already.
  if (fresh) GuardedRanges::first.store(range_, std::memory_order_release);
}

ReadGuard::~ReadGuard() {
  range_->end.store(0, std::memory_order_release);
  const std::lock_guard lock(GuardedRanges::mutex);
  GuardedRanges::unused.push_back(range_);
}

bool ReadGuard::failed() const {
  return range_->failed.load(std::memory_order_acquire);
}

}  // namespace saev

#include "core/parallel.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "core/error.h"
#include "test/check.h"

TEST(parallel_tasks_runs_each_task_once) {
  std::vector<std::atomic<int>> hits(1000);
  saev::parallel_tasks(1000, [&](int64_t task, int thread) {
    CHECK(thread >= 0 && thread < saev::num_threads());
    hits[static_cast<size_t>(task)]++;
  });
  for (const auto& h : hits) CHECK(h == 1);
}

TEST(parallel_tasks_rethrows) {
  CHECK_THROWS(saev::parallel_tasks(100,
                                    [](int64_t task, int) {
                                      if (task == 37) throw saev::Error(saev::Code::kNumeric, "here");
                                    }),
               saev::Code::kNumeric);
}

namespace {

/// The threads that got a task, when each task waits, ten seconds at most, until `n` tasks have begun.
size_t threads_that_meet(int n) {
  std::atomic<int> begun{0};
  std::mutex mutex;
  std::set<std::thread::id> ids;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  saev::parallel_tasks(n, [&](int64_t, int) {
    ++begun;
    while (begun < n && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  return ids.size();
}

struct ThreadsForTest {
  const int before = saev::num_threads();
  explicit ThreadsForTest(int n) { saev::set_num_threads(n); }
  ~ThreadsForTest() { saev::set_num_threads(before); }
};

}  // namespace

TEST(parallel_tasks_runs_on_as_many_threads_as_it_is_told) {
  for (const int n : {2, 4, 3, 1}) {
    const ThreadsForTest threads(n);
    CHECK(threads_that_meet(n) == static_cast<size_t>(n));
  }
}

TEST(parallel_tasks_of_several_callers_at_once) {
  constexpr int kCallers = 4, kRounds = 200, kTasks = 16;
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([&] {
      saev::set_num_threads(3);
      for (int i = 0; i < kRounds; ++i) {
        int64_t mine[3] = {0, 0, 0};  // a slot belongs to one thread at a time
        saev::parallel_tasks(kTasks, [&](int64_t task, int slot) { mine[slot] += task + 1; });
        sum += mine[0] + mine[1] + mine[2];
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(sum == int64_t{kCallers} * kRounds * kTasks * (kTasks + 1) / 2);
}

TEST(parallel_tasks_within_a_task_stay_on_its_thread) {
  const ThreadsForTest threads(3);
  std::atomic<int> elsewhere{0};
  saev::parallel_tasks(6, [&](int64_t, int) {
    const auto me = std::this_thread::get_id();
    saev::parallel_tasks(6, [&](int64_t, int slot) {
      if (slot != 0 || std::this_thread::get_id() != me) ++elsewhere;
    });
  });
  CHECK(elsewhere == 0);
}

TEST(parallel_tasks_goes_on_after_an_exception) {
  const ThreadsForTest threads(3);
  for (int i = 0; i < 100; ++i) {
    CHECK_THROWS(
        saev::parallel_tasks(50, [](int64_t, int) { throw saev::Error(saev::Code::kNumeric, "here"); }),
        saev::Code::kNumeric);
  }
  std::atomic<int> ran{0};
  saev::parallel_tasks(50, [&](int64_t, int) { ++ran; });
  CHECK(ran == 50);
}

#include "core/parallel.h"

#include <atomic>
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

#pragma once
// The one way to use several cores: as many as libtorch is told to use, on threads of our own
// (thread_pool.h). libtorch's `at::parallel_for` would not do: its body is a template, which without the
// OpenMP runtime and flags of libtorch's own build silently runs everything on the calling thread.

#include <cstdint>
#include <functional>

namespace saev {

/// Threads that `parallel_tasks` uses, at least 1. Set per calling thread (libtorch's rule); default: all
/// cores.
int num_threads();
void set_num_threads(int n);

/// Calls `work(task, thread)` for every task in [0, n_tasks), tasks handed out one by one so that a stolen
/// core delays one task and not the whole step. `thread` < num_threads() names a scratch slot. Which thread
/// gets which task is not fixed: for results that are equal to the bit, reduce per task, in task order, never
/// per thread. Within a task, tasks of its own run where it runs. The first exception is rethrown after all
/// threads have stopped.
void parallel_tasks(int64_t n_tasks, const std::function<void(int64_t task, int thread)>& work);

}  // namespace saev

#pragma once
// How much of a row-wise operation one task of core/parallel.h takes.

#include <algorithm>
#include <cstdint>

namespace saev {

/// Rows of `d` float32 that make about 100 KB: so small that a stolen core delays little, so large that
/// handing out a task costs nothing, and that a small matrix wakes no second thread.
inline int64_t rows_of_a_task(int64_t d) {
  return std::max<int64_t>(1, 24576 / d);
}

}  // namespace saev

#pragma once
// The most that a core can do: independent multiply-adds that stay in registers. For benchmarks, which say
// what share of it a product reaches.

#include <cstdint>

#include "kernels/dispatch.h"

namespace saev {

/// Operations of one step of `multiply_add_steps`: two a lane, for each of its independent sums.
SAEV_DECLARE_KERNEL(int64_t, multiply_add_operations, ())
/// So many steps. The result only keeps the work from being left out.
SAEV_DECLARE_KERNEL(float, multiply_add_steps, (int64_t steps))

}  // namespace saev

#pragma once

#include <cstdint>
#include <vector>

namespace saev {

/// Number of elements of `sizes`, or −1 when one is negative or the product does not fit in 63 bits.
int64_t checked_numel(const std::vector<int64_t>& sizes);

}  // namespace saev

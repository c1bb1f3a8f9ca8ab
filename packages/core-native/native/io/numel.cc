#include "io/numel.h"

namespace saev {

int64_t checked_numel(const std::vector<int64_t>& sizes) {
  int64_t n = 1;
  bool empty = false;
  for (const int64_t size : sizes) {
    if (size < 0) return -1;
    // torch multiplies all of them, so an empty tensor must not hide an overflow either.
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(n, size, &n)) {
      return -1;
    }
  }
  return empty ? 0 : n;
}

}  // namespace saev

#include "io/index_permutation.h"

#include <cmath>
#include <vector>

#include "core/error.h"
#include "test/check.h"

TEST(index_permutation_visits_each_row_once) {
  for (const int64_t n : {1, 2, 3, 5, 16, 17, 1000, 65536, 100001}) {
    const saev::IndexPermutation order(n, 42);
    std::vector<int> seen(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      const int64_t row = order(i);
      CHECK(row >= 0 && row < n);
      seen[static_cast<size_t>(row)]++;
    }
    for (const int times : seen) CHECK(times == 1);
  }
}

// Position and row must be uncorrelated, and neighbours must not stay neighbours: for random permutations of
// n both correlations have a standard deviation of 1/√n, so 5/√n fails once in two million.
TEST(index_permutation_looks_random) {
  for (const uint64_t seed : {0ULL, 1ULL, 2ULL, 0xffffffffffffffffULL}) {
    const int64_t n = 50000;
    const saev::IndexPermutation order(n, seed);
    double with_position = 0, with_next = 0, square = 0;
    const double centre = (static_cast<double>(n) - 1) / 2;
    for (int64_t i = 0; i < n; ++i) {
      const double row = static_cast<double>(order(i)) - centre;
      with_position += row * (static_cast<double>(i) - centre);
      with_next += row * (static_cast<double>(order((i + 1) % n)) - centre);
      square += row * row;
    }
    CHECK(std::fabs(with_position / square) < 5 / std::sqrt(n));
    CHECK(std::fabs(with_next / square) < 5 / std::sqrt(n));
  }
}

TEST(index_permutation_depends_on_the_seed) {
  const saev::IndexPermutation a(1000, 1), b(1000, 2);
  int equal = 0;
  for (int64_t i = 0; i < 1000; ++i) equal += a(i) == b(i) ? 1 : 0;
  CHECK(equal < 20);  // 1 is expected
}

#include "io/numpy_random.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "test/check.h"

// numpy.random.default_rng(42).permutation(10); longer ones are compared with the reference's file.
TEST(numpy_permutation_is_numpys) {
  const std::vector<int64_t> expected{5, 6, 0, 7, 3, 2, 4, 9, 1, 8};
  CHECK(saev::numpy_permutation(42, 10, 10) == expected);
  CHECK(saev::numpy_permutation(42, 10, 3) == std::vector<int64_t>({5, 6, 0}));
}

TEST(numpy_permutation_edges) {
  CHECK(saev::numpy_permutation(0, 0, 0).empty());
  CHECK(saev::numpy_permutation(7, 1, 1) == std::vector<int64_t>{0});
  auto all = saev::numpy_permutation(1, 1000, 1000);
  std::sort(all.begin(), all.end());
  for (int64_t i = 0; i < 1000; ++i) CHECK(all[static_cast<size_t>(i)] == i);
  CHECK_THROWS(saev::numpy_permutation(0, 3, 4), saev::Code::kInvalidArgument);
}

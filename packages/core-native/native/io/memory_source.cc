#include "io/memory_source.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "io/begin_batch.h"

namespace saev {

MemorySource::MemorySource(const float* rows, int64_t n, int64_t dim, std::vector<int64_t> order)
    : dim_(dim), rows_(rows, rows + n * dim), order_(std::move(order)) {
  if (order_.empty()) {
    order_.resize(static_cast<size_t>(n));
    std::iota(order_.begin(), order_.end(), int64_t{0});
  }
  for (const int64_t row : order_) {
    if (row < 0 || row >= n) {
      throw Error(Code::kInvalidArgument,
                  "order: row " + std::to_string(row) + " is outside the " + std::to_string(n) + " rows");
    }
  }
}

int64_t MemorySource::next(Batch& batch, int64_t max_rows, const Job& job) {
  const int64_t n = begin_batch(batch, *this, position_, max_rows, job);
  if (n == 0) {
    position_ = 0;
    return 0;
  }
  const auto first = order_.begin() + position_;
  batch.index.assign(first, first + n);
  batch.image_i = batch.index;
  std::ranges::fill(batch.patch_i, -1);
  for (int64_t i = 0; i < n; ++i) {
    const float* row = rows_.data() + first[i] * dim_;
    std::copy(row, row + dim_, batch.acts.data() + i * dim_);
  }
  position_ += n;
  batch.rows = n;
  return n;
}

void MemorySource::restore(const std::string& state) {
  long long position = 0;
  if (std::sscanf(state.c_str(), "memory 1 %lld", &position) != 1 || position < 0 || position > length()) {
    throw Error(Code::kBadFile, "loader state: expected what state() of a memory loader gave, found '" +
                                    state.substr(0, 60) + "'");
  }
  position_ = position;
}

}  // namespace saev

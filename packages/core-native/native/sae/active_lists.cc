#include "sae/active_lists.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/encode_relu.h"

namespace saev {

void BlockLists::reserve(int64_t n, int64_t used) {
  if (n + kListSlack <= capacity_) return;
  const int64_t capacity = std::max(n + kListSlack, capacity_ + capacity_ / 2);
  const auto size = static_cast<size_t>(capacity);
  auto value = std::make_unique_for_overwrite<float[]>(size);
  auto index = std::make_unique_for_overwrite<uint16_t[]>(size);
  if (used > 0) {
    std::memcpy(value.get(), value_.get(), static_cast<size_t>(used) * sizeof(float));
    std::memcpy(index.get(), index_.get(), static_cast<size_t>(used) * sizeof(uint16_t));
  }
  value_ = std::move(value);
  index_ = std::move(index);
  capacity_ = capacity;
}

void ActiveLists::shape(int64_t n, int64_t padded_sae, int64_t latents) {
  rows = n;
  segment = latents;
  n_segments = (padded_sae + latents - 1) / latents;
  n_blocks = (n + kRowBlock - 1) / kRowBlock;
  if (static_cast<int64_t>(blocks.size()) < n_blocks) blocks.resize(static_cast<size_t>(n_blocks));
  bounds.resize(static_cast<size_t>(n_blocks * n_segments * (kRowBlock + 1)));
}

int64_t ActiveLists::nnz() const {
  int64_t sum = 0;
  for (int64_t b = 0; b < n_blocks; ++b) sum += ptr(b, n_segments - 1)[block_rows(b)];
  return sum;
}

void ActiveLists::copy(const ActiveLists& from) {
  shape(from.rows, from.n_segments * from.segment, from.segment);
  bounds = from.bounds;
  parallel_tasks(n_blocks, [&](int64_t b, int) {
    const BlockLists& source = from.blocks[static_cast<size_t>(b)];
    BlockLists& to = blocks[static_cast<size_t>(b)];
    const auto n = static_cast<size_t>(ptr(b, n_segments - 1)[kRowBlock]);
    to.reserve(static_cast<int64_t>(n), 0);
    std::memcpy(to.value(), source.value(), n * sizeof(float));
    std::memcpy(to.index(), source.index(), n * sizeof(uint16_t));
  });
}

}  // namespace saev

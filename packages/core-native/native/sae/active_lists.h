#pragma once
// The active latents of a batch between the encoder and everything after it: lists of (latent, value) per row
// block, within it per segment of latents, within it row after row. In that order the decoder reads a segment
// of W_dec for all rows of a block, and the backward pass transposes one chunk after the other.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/parallel.h"

namespace saev {

/// Rows that one task encodes and decodes: a multiple of every level's group.
inline constexpr int64_t kRowBlock = 96;

/// Lists of one row block; grows as they are appended and keeps its memory from step to step.
class BlockLists {
 public:
  float* value() { return value_.get(); }
  const float* value() const { return value_.get(); }
  uint16_t* index() { return index_.get(); }
  const uint16_t* index() const { return index_.get(); }
  /// Makes room for `n` entries and kListSlack more; keeps the first `used`.
  void reserve(int64_t n, int64_t used);

 private:
  std::unique_ptr<float[]> value_;
  std::unique_ptr<uint16_t[]> index_;
  int64_t capacity_ = 0;
};

struct ActiveLists {
  int64_t rows = 0;
  int64_t segment = 0;  ///< latents of a segment, a multiple of kPanel
  int64_t n_segments = 0;
  int64_t n_blocks = 0;
  std::vector<BlockLists> blocks;
  std::vector<int32_t> bounds;  ///< [block][segment][kRowBlock + 1]; rows that a block lacks have empty lists

  void shape(int64_t rows, int64_t padded_sae, int64_t segment);
  int32_t* ptr(int64_t block, int64_t seg) {
    return bounds.data() + (block * n_segments + seg) * (kRowBlock + 1);
  }
  const int32_t* ptr(int64_t block, int64_t seg) const {
    return bounds.data() + (block * n_segments + seg) * (kRowBlock + 1);
  }
  int64_t block_rows(int64_t block) const {
    return rows - block * kRowBlock < kRowBlock ? rows - block * kRowBlock : kRowBlock;
  }
  int64_t nnz() const;
  /// The lists of another batch, entry by entry.
  void copy(const ActiveLists& from);
};

/// f(latent, value&) for each entry, on all cores.
template <typename F>
void for_each_entry(ActiveLists& lists, const F& f) {
  parallel_tasks(lists.n_blocks, [&](int64_t b, int) {
    BlockLists& entries = lists.blocks[static_cast<size_t>(b)];
    for (int64_t s = 0; s < lists.n_segments; ++s) {
      const int32_t* ptr = lists.ptr(b, s);
      const int64_t first = s * lists.segment;
      for (int32_t q = ptr[0]; q < ptr[kRowBlock]; ++q) f(first + entries.index()[q], entries.value()[q]);
    }
  });
}

/// Keeps the entries of a block for which keep(row, latent, value) holds.
template <typename Keep>
void filter_block(ActiveLists& lists, int64_t block, const Keep& keep) {
  BlockLists& entries = lists.blocks[static_cast<size_t>(block)];
  const int64_t rows = lists.block_rows(block);
  int32_t used = 0;
  for (int64_t s = 0; s < lists.n_segments; ++s) {
    int32_t* ptr = lists.ptr(block, s);
    for (int64_t r = 0; r < rows; ++r) {
      const int32_t begin = ptr[r], end = ptr[r + 1];
      ptr[r] = used;
      for (int32_t q = begin; q < end; ++q) {
        const float v = entries.value()[q];
        const uint16_t i = entries.index()[q];
        if (!keep(block * kRowBlock + r, s * lists.segment + i, v)) continue;
        entries.value()[used] = v;
        entries.index()[used++] = i;
      }
    }
    std::fill(ptr + rows, ptr + kRowBlock + 1, used);
  }
}

}  // namespace saev

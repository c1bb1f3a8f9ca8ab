#pragma once
// What stats/top_k.cc cuts off the rows that come, and stats/top_k_rank.cc ranks.

#include <cstdint>
#include <vector>

#include "stats/top_k.h"

namespace saev {

/// Rows of whole images.
struct TopKAccumulator::Block {
  const SparseBatch& f_x;
  int64_t begin, end;                  ///< rows of f_x
  std::vector<int32_t> image_of_row;   ///< [end − begin] index into `images`
  std::vector<int32_t> patch_of_row;   ///< [end − begin]
  std::vector<int64_t> images;         ///< ascending
  std::vector<int32_t> rows_of_image;  ///< [images]
  std::vector<int64_t> column_of_row;  ///< [end − begin] in `distributions`, −1 when not kept
};

/// The order of a heap whose front is its worst entry, and of a finished ranking, best first.
inline bool worse_in_front(const TopImage& a, const TopImage& b) {
  return a.better_than(b);
}

}  // namespace saev

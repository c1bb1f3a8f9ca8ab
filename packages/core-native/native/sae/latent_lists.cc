#include "sae/latent_lists.h"

#include <algorithm>

namespace saev {

void LatentLists::transpose(const ActiveLists& lists, int64_t first_segment, int64_t last_segment,
                            int64_t n_latents, int64_t group) {
  const int64_t n_groups = (lists.rows + group - 1) / group;
  ptr.assign(static_cast<size_t>(n_groups * n_latents) + 1, 0);
  cursor_.resize(static_cast<size_t>(n_latents));
  n = 0;
  for (int64_t b = 0; b < lists.n_blocks; ++b) {
    for (int64_t s = first_segment; s < last_segment; ++s)
      n += lists.ptr(b, s)[kRowBlock] - lists.ptr(b, s)[0];
  }
  if (static_cast<int64_t>(row.size()) < n + 32) {
    row.resize(static_cast<size_t>(n + n / 4 + 32));
    f.resize(static_cast<size_t>(n + n / 4 + 32));
  }
  int32_t end = 0;
  longest = 0;
  for (int64_t g = 0; g < n_groups; ++g) {
    // Count, then place: two passes over one group's chunk of the encoder's lists, which stays in the cache.
    int32_t* count = ptr.data() + g * n_latents;
    const int64_t first_row = g * group, last_row = std::min(lists.rows, first_row + group);
    for (int64_t r0 = first_row; r0 < last_row;) {
      const int64_t b = r0 / kRowBlock, next = std::min(last_row, (b + 1) * kRowBlock);
      const uint16_t* index = lists.blocks[static_cast<size_t>(b)].index();
      for (int64_t s = first_segment; s < last_segment; ++s) {
        int32_t* c = count + (s - first_segment) * lists.segment;
        const int32_t* bounds = lists.ptr(b, s) - b * kRowBlock;
        for (int32_t q = bounds[r0], e = bounds[next]; q < e; ++q) ++c[index[q]];
      }
      r0 = next;
    }
    for (int64_t j = 0; j < n_latents; ++j) {
      const int32_t here = count[j];
      longest = std::max(longest, here);
      count[j] = cursor_[static_cast<size_t>(j)] = end;
      end += here;
    }
    for (int64_t r0 = first_row; r0 < last_row;) {
      const int64_t b = r0 / kRowBlock, next = std::min(last_row, (b + 1) * kRowBlock);
      const BlockLists& entries = lists.blocks[static_cast<size_t>(b)];
      const uint16_t* index = entries.index();
      const float* value = entries.value();
      for (int64_t s = first_segment; s < last_segment; ++s) {
        int32_t* c = cursor_.data() + (s - first_segment) * lists.segment;
        const int32_t* bounds = lists.ptr(b, s) - b * kRowBlock;
        for (int64_t r = r0; r < next; ++r) {
          for (int32_t q = bounds[r], e = bounds[r + 1]; q < e; ++q) {
            const int32_t at = c[index[q]]++;
            row[static_cast<size_t>(at)] = static_cast<uint16_t>(r - first_row);
            f[static_cast<size_t>(at)] = value[q];
          }
        }
      }
      r0 = next;
    }
  }
  ptr.back() = end;
  std::fill_n(row.begin() + n, 32, static_cast<uint16_t>(0));
}

}  // namespace saev

#pragma once
// The transpose of the encoder's lists for one task: for each row block group and each latent of the task,
// the rows in which it is active.

#include "sae/active_lists.h"

namespace saev {

struct LatentLists {
  std::vector<int32_t> ptr;   ///< [row groups][latents] + 1: where each list begins
  std::vector<uint16_t> row;  ///< row within its group; 32 more elements are readable
  std::vector<float> f;       ///< value; 32 more elements are readable
  int64_t n = 0;              ///< entries
  int32_t longest = 0;        ///< entries of the longest list

  /// Latents of segments [first_segment, last_segment), `n_latents` of them; `group` rows to a row group,
  /// which divides kRowBlock or is a multiple of it.
  void transpose(const ActiveLists& lists, int64_t first_segment, int64_t last_segment, int64_t n_latents,
                 int64_t group);

 private:
  std::vector<int32_t> cursor_;
};

}  // namespace saev

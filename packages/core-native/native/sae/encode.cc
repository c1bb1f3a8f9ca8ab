#include "sae/encode.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/cpu/encode_relu.h"

namespace saev {
namespace {

template <typename T>
T* at_least(AlignedArray<T>& array, int64_t n) {
  if (static_cast<int64_t>(array.size()) < n) array = AlignedArray<T>(static_cast<size_t>(n));
  return array.data();
}

}  // namespace

void encode(Level level, const Layout& layout, const EncodeInput& input, int64_t segment,
            EncodeScratch& scratch, ActiveLists& out) {
  const auto pack = SAEV_PICK(level, pack_rows);
  const auto encode_one = SAEV_PICK(level, encode_segment);
  const int64_t group = SAEV_PICK(level, encode_group_rows)();
  const int64_t padded_rows = (kRowBlock + group - 1) / group * group;
  const int64_t d_vit = layout.d_vit;
  out.shape(input.rows, layout.padded_sae(), segment);
  scratch.threads.resize(static_cast<size_t>(std::max<int64_t>(num_threads(), scratch.threads.size())));

  parallel_tasks(out.n_blocks, [&](int64_t block, int thread) {
    if (input.job) input.job->check_abort();
    auto& mine = scratch.threads[static_cast<size_t>(thread)];
    float* packed = at_least(mine.packed, padded_rows * d_vit);
    float* row_value = at_least(mine.row_value, padded_rows * (segment + kListSlack));
    uint16_t* row_index = at_least(mine.row_index, padded_rows * (segment + kListSlack));
    const int64_t first = block * kRowBlock, n = out.block_rows(block);
    pack({input.x + first * d_vit, n, d_vit, input.shift, input.slice_shift, packed,
          input.slices ? input.slices + first * layout.slice_width : nullptr, layout.slice_width,
          input.rows * layout.slice_width});
    BlockLists& lists = out.blocks[static_cast<size_t>(block)];
    int32_t used = 0;
    for (int64_t s = 0; s < out.n_segments; ++s) {
      const int64_t first_panel = s * segment / kPanel;
      const int64_t panels = std::min(segment / kPanel, layout.n_panels - first_panel);
      lists.reserve(used + n * panels * kPanel, used);
      int32_t* ptr = out.ptr(block, s);
      encode_one({packed, n, d_vit, input.w_enc + first_panel * kPanel * d_vit,
                  input.b_enc + first_panel * kPanel, panels, row_value, row_index, lists.value() + used,
                  lists.index() + used, ptr, used});
      used = ptr[n];
      std::fill(ptr + n, ptr + kRowBlock + 1, used);
    }
  });
}

}  // namespace saev

#include "sae/decode.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/cpu/gather_rows.h"
#include "kernels/cpu/residual.h"

namespace saev {
namespace {

void prepare(DecodeScratch& scratch, const Layout& layout) {
  scratch.buffer.resize(static_cast<size_t>(std::max<int64_t>(num_threads(), scratch.buffer.size())));
  for (auto& b : scratch.buffer) {
    const auto need = static_cast<size_t>(kRowBlock * layout.slice_width);
    if (b.size() < need) b = AlignedArray<float>(need);
  }
}

/// buffer[row] += f W_dec for one slice and one row block.
template <typename Gather>
void add_latents(Gather gather, const Layout& layout, const float* w_slice, const ActiveLists& lists,
                 int64_t block, const DecodeOptions& options, float* buffer) {
  const BlockLists& entries = lists.blocks[static_cast<size_t>(block)];
  const int64_t width = layout.slice_width, n = lists.block_rows(block);
  for (int64_t s = 0; s < lists.n_segments; ++s) {
    const int32_t* ptr = lists.ptr(block, s);
    const float* w = w_slice + s * lists.segment * width;
    const int64_t following = std::min(lists.segment, layout.padded_sae() - (s + 1) * lists.segment);
    const bool fetch = options.next_block && following > 0;
    gather({w, width, ptr, n, entries.index(), entries.value(), buffer,
            fetch ? w + lists.segment * width : nullptr, fetch ? following * width : 0, options.look_ahead});
  }
}

double sum_in_groups(const float* v, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i += 256) {
    float s = 0;
    for (int64_t q = i; q < std::min(n, i + 256); ++q) s += v[q];
    total += static_cast<double>(s);
  }
  return total;
}

}  // namespace

ForwardError decode_error(Level level, const Layout& layout, const float* w_dec, const ActiveLists& lists,
                          const float* slices, float scale, float* gradient, float* column_sums,
                          const DecodeOptions& options, DecodeScratch& scratch) {
  const auto gather = SAEV_PICK(level, gather_rows);
  const auto finish = SAEV_PICK(level, residual);
  const int64_t width = layout.slice_width, stride = lists.rows * width, vit = layout.padded_vit();
  prepare(scratch, layout);
  const auto blocks = static_cast<size_t>(lists.n_blocks);
  scratch.squares.assign(blocks, 0);
  scratch.l1.assign(blocks, 0);
  const auto sums_size = blocks * static_cast<size_t>(vit);
  if (scratch.column_sums.size() < sums_size) scratch.column_sums = AlignedArray<float>(sums_size);
  std::fill_n(scratch.column_sums.data(), sums_size, 0.0f);

  parallel_tasks(lists.n_blocks, [&](int64_t block, int thread) {
    if (options.job) options.job->check_abort();
    const auto b = static_cast<size_t>(block);
    const int64_t n = lists.block_rows(block), first = block * kRowBlock;
    float* buffer = scratch.buffer[static_cast<size_t>(thread)].data();
    scratch.l1[b] = sum_in_groups(lists.blocks[b].value(), lists.ptr(block, lists.n_segments - 1)[n]);
    for (int64_t s = 0; s < layout.n_slices; ++s) {
      const float* x = slices + s * stride + first * width;
      for (int64_t i = 0; i < n * width; ++i) buffer[i] = -x[i];
      add_latents(gather, layout, w_dec + s * layout.slice_stride(), lists, block, options, buffer);
      scratch.squares[b] += finish({buffer, n, width, scale, gradient + s * stride + first * width,
                                    scratch.column_sums.data() + block * vit + s * width});
    }
  });

  ForwardError total;
  std::fill_n(column_sums, vit, 0.0f);
  for (size_t b = 0; b < blocks; ++b) {
    total.squares += scratch.squares[b];
    total.l1 += scratch.l1[b];
    const float* sums = scratch.column_sums.data() + static_cast<int64_t>(b) * vit;
    for (int64_t k = 0; k < vit; ++k) column_sums[k] += sums[k];
  }
  return total;
}

void decode_rows(Level level, const Layout& layout, const float* w_dec, const float* b_dec,
                 const ActiveLists& lists, DecodeScratch& scratch, float* x_hat) {
  const auto gather = SAEV_PICK(level, gather_rows);
  const int64_t width = layout.slice_width, d_vit = layout.d_vit;
  prepare(scratch, layout);
  parallel_tasks(lists.n_blocks, [&](int64_t block, int thread) {
    const int64_t n = lists.block_rows(block), first = block * kRowBlock;
    float* buffer = scratch.buffer[static_cast<size_t>(thread)].data();
    for (int64_t s = 0; s < layout.n_slices; ++s) {
      const int64_t columns = std::min(width, d_vit - s * width);
      if (columns <= 0) break;
      std::fill_n(buffer, n * width, 0.0f);
      add_latents(gather, layout, w_dec + s * layout.slice_stride(), lists, block, {}, buffer);
      for (int64_t r = 0; r < n; ++r) {
        float* out = x_hat + (first + r) * d_vit + s * width;
        for (int64_t k = 0; k < columns; ++k) out[k] = buffer[r * width + k] + b_dec[s * width + k];
      }
    }
  });
}

}  // namespace saev

#include "sae/decode.h"

#include <algorithm>
#include <cmath>

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

/// buffer[row] += f W_dec for one slice and one row block, all latents.
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

/// Σ |v| and the number of v ≠ 0.
double sum_in_groups(const float* v, int64_t n, int64_t& active) {
  double total = 0;
  for (int64_t i = 0; i < n; i += 256) {
    float s = 0;
    int zeros = 0;
    const int64_t end = std::min(n, i + 256);
    for (int64_t q = i; q < end; ++q) {
      s += std::fabs(v[q]);
      zeros += v[q] == 0;
    }
    total += static_cast<double>(s);
    active += end - i - zeros;
  }
  return total;
}

}  // namespace

ForwardError decode_error(Level level, const Layout& layout, const float* w_dec, const ActiveLists& lists,
                          const DecodeTarget& target, const std::vector<int64_t>& prefixes, float scale,
                          float* gradient, float* column_sums, const DecodeOptions& options,
                          DecodeScratch& scratch) {
  const auto gather = SAEV_PICK(level, gather_rows);
  const auto finish = SAEV_PICK(level, residual);
  const int64_t width = layout.slice_width, stride = lists.rows * width, vit = layout.padded_vit();
  prepare(scratch, layout);
  const auto blocks = static_cast<size_t>(lists.n_blocks);
  scratch.squares.assign(blocks, 0);
  scratch.l1.assign(blocks, 0);
  scratch.active.assign(blocks, 0);
  scratch.parts.resize(scratch.buffer.size());
  const auto n_prefixes = static_cast<int64_t>(std::max<size_t>(1, prefixes.size()));
  const auto sums_size = blocks * static_cast<size_t>(vit);
  if (scratch.column_sums.size() < sums_size) scratch.column_sums = AlignedArray<float>(sums_size);
  std::fill_n(scratch.column_sums.data(), sums_size, 0.0f);

  parallel_tasks(lists.n_blocks, [&](int64_t block, int thread) {
    if (options.job) options.job->check_abort();
    const auto b = static_cast<size_t>(block);
    const int64_t n = lists.block_rows(block), first = block * kRowBlock;
    float* buffer = scratch.buffer[static_cast<size_t>(thread)].data();
    scratch.l1[b] =
        sum_in_groups(lists.blocks[b].value(), lists.ptr(block, lists.n_segments - 1)[n], scratch.active[b]);
    PrefixParts& parts = scratch.parts[static_cast<size_t>(thread)];
    if (n_prefixes > 1) parts.split(lists, block, prefixes);
    for (int64_t s = 0; s < layout.n_slices; ++s) {
      const float* start = target.start + s * stride + first * width;
      const float* w = w_dec + s * layout.slice_stride();
      float* sums = scratch.column_sums.data() + block * vit + s * width;
      float* out = gradient + s * stride + first * width;
      for (int64_t i = 0; i < n * width; ++i) buffer[i] = target.factor * start[i];
      if (target.bias != nullptr) {
        for (int64_t r = 0; r < n; ++r) {
          for (int64_t k = 0; k < width; ++k) buffer[r * width + k] += target.bias[s * width + k];
        }
      }
      if (n_prefixes == 1) {
        add_latents(gather, layout, w, lists, block, options, buffer);
        scratch.squares[b] += finish({buffer, n, width, scale, out, sums});
        continue;
      }
      const int64_t matrix = lists.rows * vit;
      for (int64_t p = 0; p < n_prefixes; ++p) {
        for (const PrefixParts::Part& part : parts.of(p)) {
          gather({w + part.segment * lists.segment * width, width, part.ptr, n, part.index, part.value,
                  buffer, nullptr, 0, options.look_ahead});
        }
        scratch.squares[b] += finish({buffer, n, width, scale, out + p * matrix, sums});
      }
      for (int64_t p = n_prefixes - 2; p >= 0; --p) {
        float* here = out + p * matrix;
        for (int64_t i = 0; i < n * width; ++i) here[i] += here[matrix + i];
      }
    }
  });

  ForwardError total;
  std::fill_n(column_sums, vit, 0.0f);
  for (size_t b = 0; b < blocks; ++b) {
    total.squares += scratch.squares[b];
    total.l1 += scratch.l1[b];
    total.active += scratch.active[b];
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

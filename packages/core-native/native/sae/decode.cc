#include "sae/decode.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/gather_rows.h"
#include "kernels/cpu/residual.h"

namespace saev {
namespace {

void prepare(DecodeScratch& scratch, const Layout& layout, int64_t blocks = 1) {
  scratch.buffer.resize(static_cast<size_t>(std::max<int64_t>(num_threads(), scratch.buffer.size())));
  for (auto& b : scratch.buffer) b.at_least(blocks * kRowBlock * layout.slice_width);
}

/// buffer[row] += f W_dec for one slice and row blocks [begin, end), all latents.
template <typename Gather>
void add_latents(Gather gather, const Layout& layout, const float* w_slice, const ActiveLists& lists,
                 int64_t begin, int64_t end, const DecodeOptions& options, float* buffer) {
  const int64_t width = layout.slice_width;
  for (int64_t s = 0; s < lists.n_segments; ++s) {
    const float* w = w_slice + s * lists.segment * width;
    const int64_t following = std::min(lists.segment, layout.padded_sae() - (s + 1) * lists.segment);
    for (int64_t b = begin; b < end; ++b) {
      const BlockLists& entries = lists.blocks[static_cast<size_t>(b)];
      const bool fetch = options.next_block && following > 0 && b + 1 == end;
      gather({w, width, lists.ptr(b, s), lists.block_rows(b), entries.index(), entries.value(),
              buffer + (b - begin) * kRowBlock * width, fetch ? w + lists.segment * width : nullptr,
              fetch ? following * width : 0, options.look_ahead});
    }
  }
}

/// out[row] = factor · start + bias for `n` rows of one slice.
void begin_rows(const DecodeTarget& target, const float* start, const float* bias, int64_t n, int64_t width,
                float* out) {
  for (int64_t i = 0; i < n * width; ++i) out[i] = target.factor * start[i];
  if (bias == nullptr) return;
  for (int64_t r = 0; r < n; ++r) {
    for (int64_t k = 0; k < width; ++k) out[r * width + k] += bias[k];
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
  const auto blocks = static_cast<size_t>(lists.n_blocks);
  const auto n_prefixes = static_cast<int64_t>(std::max<size_t>(1, prefixes.size()));
  const int64_t together = n_prefixes > 1 ? 1 : std::max<int64_t>(1, options.blocks);
  prepare(scratch, layout, together);
  scratch.squares.assign(blocks, 0);
  scratch.l1.assign(blocks, 0);
  scratch.active.assign(blocks, 0);
  scratch.parts.resize(scratch.buffer.size());
  scratch.slice_squares.assign(blocks * static_cast<size_t>(layout.n_slices), 0);
  const int64_t sums_size = lists.n_blocks * vit;
  std::fill_n(scratch.column_sums.at_least(sums_size), sums_size, 0.0f);

  const auto count = [&](int64_t block) {
    const auto b = static_cast<size_t>(block);
    const int64_t n = lists.block_rows(block);
    scratch.l1[b] =
        sum_in_groups(lists.blocks[b].value(), lists.ptr(block, lists.n_segments - 1)[n], scratch.active[b]);
  };
  const auto bias_of = [&](int64_t s) { return target.bias ? target.bias + s * width : nullptr; };

  // A task is some row blocks and one slice.
  const auto whole = [&](int64_t task, int thread) {
    const int64_t s = task % layout.n_slices, begin = task / layout.n_slices * together;
    const int64_t end = std::min(lists.n_blocks, begin + together);
    float* buffer = scratch.buffer[static_cast<size_t>(thread)].data();
    for (int64_t b = begin; b < end; ++b) {
      if (s == 0) count(b);
      begin_rows(target, target.start + s * stride + b * kRowBlock * width, bias_of(s), lists.block_rows(b),
                 width, buffer + (b - begin) * kRowBlock * width);
    }
    add_latents(gather, layout, w_dec + s * layout.slice_stride(), lists, begin, end, options, buffer);
    for (int64_t b = begin; b < end; ++b) {
      scratch.slice_squares[static_cast<size_t>(b * layout.n_slices + s)] = finish(
          {buffer + (b - begin) * kRowBlock * width, lists.block_rows(b), width, scale,
           gradient + s * stride + b * kRowBlock * width, scratch.column_sums.data() + b * vit + s * width});
    }
  };

  // With prefixes a task is a row block.
  const auto by_prefix = [&](int64_t block, int thread) {
    const auto b = static_cast<size_t>(block);
    const int64_t n = lists.block_rows(block), first = block * kRowBlock, matrix = lists.rows * vit;
    float* buffer = scratch.buffer[static_cast<size_t>(thread)].data();
    count(block);
    PrefixParts& parts = scratch.parts[static_cast<size_t>(thread)];
    parts.split(lists, block, prefixes);
    for (int64_t s = 0; s < layout.n_slices; ++s) {
      const float* w = w_dec + s * layout.slice_stride();
      float* sums = scratch.column_sums.data() + block * vit + s * width;
      float* out = gradient + s * stride + first * width;
      begin_rows(target, target.start + s * stride + first * width, bias_of(s), n, width, buffer);
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
  };

  const int64_t groups = (lists.n_blocks + together - 1) / together;
  parallel_tasks(n_prefixes > 1 ? lists.n_blocks : groups * layout.n_slices, [&](int64_t task, int thread) {
    if (options.job) options.job->check_abort();
    if (n_prefixes > 1) {
      by_prefix(task, thread);
    } else {
      whole(task, thread);
    }
  });
  if (n_prefixes == 1) {
    for (size_t i = 0; i < scratch.slice_squares.size(); ++i)
      scratch.squares[i / static_cast<size_t>(layout.n_slices)] += scratch.slice_squares[i];
  }

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
      add_latents(gather, layout, w_dec + s * layout.slice_stride(), lists, block, block + 1, {}, buffer);
      for (int64_t r = 0; r < n; ++r) {
        float* out = x_hat + (first + r) * d_vit + s * width;
        for (int64_t k = 0; k < columns; ++k) out[k] = buffer[r * width + k] + b_dec[s * width + k];
      }
    }
  });
}

}  // namespace saev

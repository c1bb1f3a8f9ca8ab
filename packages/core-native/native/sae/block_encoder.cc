#include "sae/block_encoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/parallel.h"

namespace saev {
BlockEncoder::BlockEncoder(Level level, const Layout& layout, const EncodeInput& input, int64_t segment,
                           EncodeScratch::Thread& scratch, int64_t block)
    : level_(level),
      layout_(layout),
      input_(input),
      segment_(segment),
      n_segments_((layout.padded_sae() + segment - 1) / segment),
      n_(std::min(kRowBlock, input.rows - block * kRowBlock)),
      scratch_(scratch) {
  const int64_t group = input.screen ? input.screen->form().group
                        : input.half ? input.half->group
                                     : SAEV_PICK(level, encode_group_rows)();
  const int64_t padded_rows = (kRowBlock + group - 1) / group * group, first = block * kRowBlock;
  const int64_t stride = layout.row_stride();
  float* rows = scratch.rows.at_least(kRowBlock * stride);
  scratch.row_value.at_least(padded_rows * (segment + kListSlack));
  scratch.row_index.at_least(padded_rows * (segment + kListSlack));
  std::fill_n(scratch.floor.at_least(padded_rows), padded_rows, 0.0f);
  SAEV_PICK(level, centre_rows)
  ({input.x + first * layout.d_vit, n_, layout.d_vit, input.shift, input.slice_shift, rows, stride,
    input.slices ? input.slices + first * layout.slice_width : nullptr, layout.slice_width,
    input.rows * layout.slice_width});
  if (input.screen) {
    pack_screened(rows);
    return;
  }
  if (input.half) {
    const HalfEncoder& half = *input.half;
    half.pack_rows({rows, n_, stride, scratch.half_packed.at_least(padded_rows * half.row_size(stride))});
    return;
  }
  float* packed = scratch.packed.at_least(padded_rows * stride);
  SAEV_PICK(level, pack_rows)({rows, n_, stride, packed});
}

void BlockEncoder::pack_screened(const float* rows) {
  const ScreenForm& form = input_.screen->form();
  const int64_t padded = (kRowBlock + form.group - 1) / form.group * form.group;
  const int64_t stride = layout_.row_stride();
  uint8_t* bytes = scratch_.bytes.at_least(padded * form.row_bytes(stride));
  scratch_.scale.at_least(padded);
  scratch_.error.at_least(padded);
  scratch_.size.at_least(padded);
  scratch_.beside.at_least(padded * kScreenColumns);
  scratch_.buffer.at_least(stride);
  scratch_.by_latent.at_least(padded * segment_);
  scratch_.position.at_least(padded * segment_);
  scratch_.start.at_least(segment_ + 1);
  const auto& columns = input_.screen->columns();
  SAEV_PICK(level_, screen_rows)
  ({rows, n_, stride, columns.data(), static_cast<int64_t>(columns.size()), form, scratch_.buffer.data(),
    bytes, scratch_.scale.data(), scratch_.error.data(), scratch_.size.data(), scratch_.beside.data()});
}

float BlockEncoder::norm(int64_t r) const {
  const float* row = scratch_.rows.data() + r * layout_.row_stride();
  float sum[16] = {};
  for (int64_t k = 0; k < layout_.row_stride(); k += 16) {
    for (int64_t i = 0; i < 16; ++i) sum[i] += row[k + i] * row[k + i];
  }
  return std::sqrt(std::accumulate(sum, sum + 16, 0.0f));
}

int64_t BlockEncoder::most(int64_t s) const {
  return n_ * std::min(segment_, layout_.padded_sae() - s * segment_);
}

void BlockEncoder::screened_segment(int64_t s, float* value, uint16_t* index, int32_t* ptr, int32_t first) {
  const EncoderScreen& screen = *input_.screen;
  const int64_t panel = s * segment_ / kPanel, stride = layout_.row_stride();
  const int64_t panels = std::min(segment_ / kPanel, layout_.n_panels - panel), latents = panels * kPanel;
  auto& t = scratch_;
  t.count.assign(static_cast<size_t>(kRowBlock + screen.form().group), 0);
  screen.form().product({t.bytes.data(), n_, stride / 8, t.scale.data(), t.error.data(), t.size.data(),
                         t.beside.data(), screen.latents(panel, stride),
                         static_cast<int64_t>(screen.columns().size()), panels, t.floor.data(),
                         t.row_value.data(), t.row_index.data(), t.count.data()});
  t.candidates += std::accumulate(t.count.begin(), t.count.begin() + n_, int64_t{0});
  SAEV_PICK(level_, exact_segment)
  ({t.rows.data(), n_, stride, input_.w_enc + panel * kPanel * stride, input_.b_enc + panel * kPanel, latents,
    t.floor.data(), t.row_value.data(), t.row_index.data(), t.count.data(), t.by_latent.data(),
    t.position.data(), t.start.data(), value, index, ptr, first});
}

void BlockEncoder::segment(int64_t s, float* value, uint16_t* index, int32_t* ptr, int32_t first) {
  if (input_.screen) {
    screened_segment(s, value, index, ptr, first);
    return;
  }
  const int64_t first_panel = s * segment_ / kPanel;
  const int64_t panels = std::min(segment_ / kPanel, layout_.n_panels - first_panel);
  const int64_t latent = first_panel * kPanel, stride = layout_.row_stride();
  if (input_.half) {
    input_.half->segment({scratch_.half_packed.data(), n_, stride, input_.half_panels + latent * stride,
                          input_.b_enc + latent, scratch_.floor.data(), panels, scratch_.row_value.data(),
                          scratch_.row_index.data(), value, index, ptr, first});
    return;
  }
  SAEV_PICK(level_, encode_segment)
  ({scratch_.packed.data(), n_, stride, input_.panels + latent * stride, input_.b_enc + latent,
    scratch_.floor.data(), panels, scratch_.row_value.data(), scratch_.row_index.data(), value, index, ptr,
    first});
}

BlockGroup::BlockGroup(Level level, const Layout& layout, const EncodeInput& input, int64_t segment,
                       EncodeScratch& scratch, int thread, int64_t first, int64_t n) {
  blocks_.reserve(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    blocks_.emplace_back(level, layout, input, segment, scratch.threads[slot(thread, i)], first + i);
}

int32_t list_segment(BlockGroup& group, int64_t first, int64_t i, int64_t s, int32_t used, ActiveLists& out) {
  BlockEncoder& encoder = group[i];
  BlockLists& lists = out.blocks[static_cast<size_t>(first + i)];
  lists.reserve(used + encoder.most(s), used);
  int32_t* ptr = out.ptr(first + i, s);
  encoder.segment(s, lists.value() + used, lists.index() + used, ptr, used);
  const int32_t end = ptr[encoder.rows()];
  std::fill(ptr + encoder.rows(), ptr + kRowBlock + 1, end);
  return end;
}

void block_tasks(const EncodeInput& input, int64_t n_blocks,
                 const std::function<void(int64_t, int64_t, int)>& work) {
  std::vector<int64_t> begin{0};
  while (begin.back() < n_blocks) {
    const int64_t share = (n_blocks - begin.back()) / (2 * num_threads());
    const int64_t n = input.screen ? std::clamp(share, int64_t{1}, kBlocksTogether) : 1;
    begin.push_back(begin.back() + n);
  }
  parallel_tasks(static_cast<int64_t>(begin.size()) - 1, [&](int64_t task, int thread) {
    if (input.job) input.job->check_abort();
    const auto t = static_cast<size_t>(task);
    work(begin[t], begin[t + 1] - begin[t], thread);
  });
}

}  // namespace saev

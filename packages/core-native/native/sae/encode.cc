#include "sae/encode.h"

#include <algorithm>

#include "core/parallel.h"
#include "sae/block_encoder.h"

namespace saev {

namespace {

/// All panels on all cores, with what packs some.
template <typename Args, typename Packed>
void pack_all(void (*pack)(const Args&), const Layout& layout, const float* w_enc, Packed* panels) {
  constexpr int64_t kPanelsATask = 4;
  const int64_t stride = layout.row_stride();
  parallel_tasks((layout.n_panels + kPanelsATask - 1) / kPanelsATask, [&](int64_t task, int) {
    const int64_t first = task * kPanelsATask, at = first * kPanel * stride;
    pack({w_enc + at, stride, std::min(kPanelsATask, layout.n_panels - first), panels + at});
  });
}

const uint16_t* pack_half(const HalfEncoder& half, const Layout& layout, const float* w_enc,
                          AlignedArray<uint16_t>& room) {
  const int64_t size = layout.encoder_size();
  uint16_t* panels = room.at_least(size + kHalfSlack);
  std::fill_n(panels + size, kHalfSlack, uint16_t{0});
  pack_all(half.pack_panels, layout, w_enc, panels);
  return panels;
}

}  // namespace

void pack_encoder_panels(Level level, const Layout& layout, const float* w_enc, float* panels) {
  pack_all(SAEV_PICK(level, pack_panels), layout, w_enc, panels);
}

float* EncodeScratch::room_for_panels(const Layout& layout) {
  return panels.at_least(layout.encoder_size());
}

EncodeInput prepare_encode(Level level, const Layout& layout, const EncodeInput& input,
                           EncodeScratch& scratch) {
  const auto slots = static_cast<size_t>(num_threads() * kBlocksTogether);
  scratch.threads.resize(std::max(slots, scratch.threads.size()));
  EncodeInput prepared = input;
  if (input.half != nullptr) {
    if (!input.half_panels)
      prepared.half_panels = pack_half(*input.half, layout, input.w_enc, scratch.half_panels);
    return prepared;
  }
  if (input.screen != nullptr || input.panels != nullptr) return prepared;
  float* panels = input.room ? input.room : scratch.room_for_panels(layout);
  pack_encoder_panels(level, layout, input.w_enc, panels);
  prepared.panels = panels;
  return prepared;
}

int64_t screened_candidates(const EncodeScratch& scratch) {
  int64_t n = 0;
  for (const auto& t : scratch.threads) n += t.candidates;
  return n;
}

void start_screen(Level level, const Layout& layout, EncodeInput& input, EncodeScratch& scratch) {
  for (auto& t : scratch.threads) t.candidates = 0;
  scratch.screen.prepare(level, layout, input);
  input.screen = &scratch.screen;
}

void encode(Level level, const Layout& layout, const EncodeInput& given, int64_t segment,
            EncodeScratch& scratch, ActiveLists& out) {
  out.shape(given.rows, layout.padded_sae(), segment);
  const EncodeInput input = prepare_encode(level, layout, given, scratch);
  block_tasks(input, out.n_blocks, [&](int64_t first, int64_t n, int thread) {
    BlockGroup group(level, layout, input, segment, scratch, thread, first, n);
    for (int64_t i = 0; i < n; ++i) std::fill_n(group[i].floor(), group[i].rows(), input.floor);
    int32_t used[kBlocksTogether] = {};
    for (int64_t s = 0; s < out.n_segments; ++s) {
      for (int64_t i = 0; i < n; ++i) used[i] = list_segment(group, first, i, s, used[i], out);
    }
  });
}

}  // namespace saev

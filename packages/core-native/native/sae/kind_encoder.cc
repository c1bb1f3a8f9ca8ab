#include "sae/kind_encoder.h"

#include <cmath>
#include <numeric>

#include "core/parallel.h"
#include "sae/encode_batch_top_k.h"

namespace saev {
namespace {

void encode_jump_relu(const TrainState& state, EncodeInput& input, const KindOptions& options,
                      int64_t segment, EncodeScratch& scratch, KindScratch& kind, ActiveLists& lists) {
  const auto n = static_cast<size_t>(state.layout.padded_sae());
  const auto half = static_cast<float>(options.bandwidth / 2);
  kind.theta.at_least(static_cast<int64_t>(n));
  kind.bias.at_least(static_cast<int64_t>(n));
  for (size_t j = 0; j < n; ++j) {
    kind.theta[j] = std::exp(state.own[0].w[j]);
    // Padded latents have the bias 0 and never fire.
    kind.bias[j] = static_cast<int64_t>(j) < state.layout.d_sae ? state.b_enc[j] - (kind.theta[j] - half) : 0;
  }
  input.b_enc = kind.bias.data();
  if (options.screen) start_screen(state.level, state.layout, input, scratch);
  encode(state.level, state.layout, input, segment, scratch, lists);
  for_each_entry(lists, [&](int64_t j, float& value) {
    const float theta = kind.theta[static_cast<size_t>(j)], h = value + (theta - half);
    value = h > theta ? h : 0.0f;
  });
}

}  // namespace

GatedLatent gated_latent(const TrainState& state, int64_t j) {
  const auto i = static_cast<size_t>(j);
  return {std::exp(state.own[0].w[i]), state.b_enc[i], state.own[1].w[i]};
}

double encode_kind(const TrainState& state, EncodeInput input, const KindOptions& options, int64_t segment,
                   EncodeScratch& scratch, RowTopKScratch& top_k, KindScratch& kind, ActiveLists& lists) {
  const Activation& a = options.activation;
  if (options.screen && a.selection != Selection::kJumpRelu)
    start_screen(state.level, state.layout, input, scratch);
  switch (a.selection) {
    case Selection::kRelu:
      encode(state.level, state.layout, input, segment, scratch, lists);
      break;
    case Selection::kTopK:
      encode_top_k(state.level, state.layout, input, segment, {a.top_k, a.relu, nullptr, 0, &state.guess},
                   scratch, top_k, lists);
      break;
    case Selection::kBatchTopK: {
      const float least = encode_batch_top_k(state.level, state.layout, input, segment, a.top_k * input.rows,
                                             a.relu, scratch, lists, &state.guess);
      if (least > 0) return (1 - options.momentum) * state.threshold + options.momentum * least;
      break;
    }
    case Selection::kJumpRelu:
      encode_jump_relu(state, input, options, segment, scratch, kind, lists);
      break;
    case Selection::kGated: {
      encode(state.level, state.layout, input, segment, scratch, kind.gate.lists);
      lists.copy(kind.gate.lists);
      std::vector<GatedLatent> latents;
      for (int64_t j = 0; j < state.layout.padded_sae(); ++j) latents.push_back(gated_latent(state, j));
      for_each_entry(
          lists, [&](int64_t j, float& value) { value = latents[static_cast<size_t>(j)].magnitude(value); });
      break;
    }
  }
  return state.threshold;
}

double sum_of_tanh(const ActiveLists& lists, float scale, std::vector<double>& sums) {
  sums.assign(static_cast<size_t>(lists.n_blocks), 0);
  parallel_tasks(lists.n_blocks, [&](int64_t b, int) {
    const float* f = lists.blocks[static_cast<size_t>(b)].value();
    const int32_t n = lists.ptr(b, lists.n_segments - 1)[kRowBlock];
    for (int32_t q = 0; q < n; ++q) sums[static_cast<size_t>(b)] += std::tanh(scale * f[q]);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace saev

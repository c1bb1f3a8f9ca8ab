#include "sae/pair_gradient.h"

#include <cmath>

namespace saev {
namespace {

/// visit(latent, first pair, one past the last) for each list, row group after row group.
template <typename Visit>
void each_list(const PairGradients& p, const Visit& visit) {
  for (int64_t g = 0; g < p.n_groups; ++g) {
    const int32_t* ptr = p.lists.ptr.data() + g * p.n;
    for (int64_t j = 0; j < p.n; ++j) {
      if (ptr[j] != ptr[j + 1]) visit(j, static_cast<size_t>(ptr[j]), static_cast<size_t>(ptr[j + 1]));
    }
  }
}

void add(const PairGradients& p, int64_t j, float along, float total) {
  p.along[j] += along;
  p.b_enc[j] += total;
  if (p.input_sums != p.b_enc) p.input_sums[j] += total;
}

template <typename Slope>
void relu_with(const PairGradients& p, const Slope& slope) {
  each_list(p, [&](int64_t j, size_t begin, size_t end) {
    float along = 0, total = 0;
    for (size_t q = begin; q < end; ++q) {
      const float f = p.lists.f[q];
      float& df = p.df[q];
      along += f * df;
      df += slope(f);
      total += df;
    }
    add(p, j, along, total);
  });
}

}  // namespace

void relu_gradient(const PairGradients& p, const PenaltyTerm& penalty) {
  if (penalty.form == Penalty::kL1) {
    // The usual case, without a branch for each pair.
    relu_with(p, [w = penalty.weight](float f) { return std::copysign(w, f); });
  } else {
    relu_with(p, [&](float f) { return penalty.slope(f); });
  }
}

void jump_relu_gradient(const PairGradients& p, const PenaltyTerm& penalty, const JumpReluGradient& jump) {
  const float half = jump.bandwidth / 2;
  const float count = penalty.form == Penalty::kL0 ? penalty.weight : 0;
  each_list(p, [&](int64_t j, size_t begin, size_t end) {
    const float theta = jump.theta[j];
    float along = 0, total = 0, at_edge = 0;
    for (size_t q = begin; q < end; ++q) {
      const float f = p.lists.f[q];
      float& df = p.df[q];
      along += f * df;
      df += penalty.slope(f);
      if (f == 0 || f - theta < half) at_edge += theta * df + count;
      if (f == 0) df = 0;
      total += df;
    }
    add(p, j, along, total);
    jump.log_threshold[j] -= theta / jump.bandwidth * at_edge;
  });
}

void gated_gradient(const PairGradients& p, const GatedGradient& gated) {
  each_list(p, [&](int64_t j, size_t begin, size_t end) {
    const GatedLatent& latent = gated.latents[j];
    float along = 0, gate = 0, magnitude = 0, stretched = 0;
    for (size_t q = begin; q < end; ++q) {
      const float f = gated.magnitude[q];
      float& df = p.df[q];
      along += f * df;
      const float dm = f > 0 ? df : 0;
      const float dh = gated.gate_df[q] + gated.penalty;
      magnitude += dm;
      stretched += dm * latent.scale * (p.lists.f[q] - latent.gate_bias);
      gate += dh;
      df = dm * latent.scale + dh;
    }
    p.along[j] += along;
    p.b_enc[j] += gate;
    p.input_sums[j] += magnitude * latent.scale + gate;
    gated.r_mag[j] += stretched;
    gated.b_mag[j] += magnitude;
  });
}

}  // namespace saev

#include "sae/step.h"

#include <chrono>
#include <cmath>

#include "core/parallel.h"

namespace saev {
namespace {

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Updates between two copies of the parameters: often enough that little is lost, seldom enough (a copy
/// moves two of the seven arrays that an update moves) that it costs less than 2 % of the updates.
constexpr int64_t kKeepEvery = 16;

void at_least(AlignedArray<float>& array, int64_t n) {
  if (static_cast<int64_t>(array.size()) < n) array = AlignedArray<float>(static_cast<size_t>(n));
}

}  // namespace

StepMetrics step_forward(const TrainState& state, const float* x, int64_t rows, const StepOptions& options,
                         const Blocking& blocking, StepScratch& scratch, StepTimes* times) {
  const Layout& layout = state.layout;
  at_least(scratch.centred, rows * layout.padded_vit());
  at_least(scratch.error, rows * layout.padded_vit());
  at_least(scratch.b_dec_gradient, layout.padded_vit());
  const double begin = now_ms();
  EncodeInput input;
  input.x = x;
  input.rows = rows;
  input.w_enc = state.w_enc.data();
  input.b_enc = state.b_enc.data();
  input.shift = input.slice_shift = state.b_dec.data();
  input.slices = scratch.centred.data();
  input.job = options.job;
  encode(state.level, layout, input, blocking.segment, scratch.encode, scratch.lists);
  const double encoded = now_ms();
  const double entries = static_cast<double>(rows) * static_cast<double>(layout.d_vit);
  const ForwardError error =
      decode_error(state.level, layout, state.w_dec.data(), scratch.lists, scratch.centred.data(),
                   static_cast<float>(2 / entries), scratch.error.data(), scratch.b_dec_gradient.data(),
                   {blocking.decode_look_ahead, blocking.decode_next, options.job}, scratch.decode);
  if (times) {
    times->encode += encoded - begin;
    times->decode += now_ms() - encoded;
  }
  StepMetrics m;
  m.mse = error.squares / entries;
  m.l1 = error.l1 / static_cast<double>(rows);
  m.l0 = static_cast<double>(scratch.lists.nnz()) / static_cast<double>(rows);
  m.density = m.l0 / static_cast<double>(layout.d_sae);
  m.sparsity = options.sparsity_coeff * m.l1;
  m.loss = m.mse + m.sparsity;
  return m;
}

StepMetrics step(TrainState& state, const float* x, int64_t rows, const StepOptions& options,
                 StepScratch& scratch, StepTimes* times, StepGradients* gradients) {
  const Blocking blocking =
      choose_blocking(state.density, state.level, state.layout.padded_sae(), num_threads());
  const StepMetrics m = step_forward(state, x, rows, options, blocking, scratch, times);
  if (!std::isfinite(m.loss)) return m;
  if (state.kept.t < 0 || state.t - state.kept.t >= kKeepEvery) state.keep();
  const double begin = now_ms();
  step_backward(state, rows, options, blocking, scratch, times, gradients);
  if (times) times->backward += now_ms() - begin;
  state.density = m.density;
  return m;
}

}  // namespace saev

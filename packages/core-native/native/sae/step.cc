#include "sae/step.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/now.h"
#include "core/parallel.h"

namespace saev {
namespace {

/// Milliseconds of a forward pass from which on the backward pass must be able to stop, too: an abort is to
/// be answered within a second. Short steps do not pay for it (a write and a read of all gradients).
constexpr double kLongMs = 250;

DecodeOptions decode_options(const Blocking& blocking, const StepOptions& options) {
  return {blocking.decode_look_ahead, blocking.decode_next, options.job, blocking.decode_blocks};
}

/// The gate's own reconstruction of a gated SAE, through W_dec and b_dec as constants: its mean squared
/// error, and Σ relu(h).
ForwardError gate_forward(const TrainState& state, const DecodeTarget& target, int64_t rows,
                          const StepOptions& options, const Blocking& blocking, KindScratch::Gate& gate) {
  const Layout& layout = state.layout;
  gate.error.at_least(rows * layout.padded_vit());
  gate.column_sums.at_least(layout.padded_vit());
  const double entries = static_cast<double>(rows) * static_cast<double>(layout.d_vit);
  return decode_error(state.level, layout, state.w_dec.data(), gate.lists, target, {},
                      static_cast<float>(2 / entries), gate.error.data(), gate.column_sums.data(),
                      decode_options(blocking, options), gate.decode);
}

/// What sparsity_coeff weighs, summed over the batch.
double penalty_of(const StepOptions& options, const ForwardError& error, StepScratch& scratch) {
  switch (options.penalty) {
    case Penalty::kL1:
      return error.l1;
    case Penalty::kL0:
      return static_cast<double>(error.active);
    case Penalty::kTanh:
      return sum_of_tanh(scratch.lists, static_cast<float>(options.tanh_scale), scratch.kind.sums);
  }
  return 0;
}

/// Who fired, the counters after this batch, and who is dead.
void count_dead(const TrainState& state, int64_t rows, int64_t dead_threshold, StepScratch& scratch) {
  const auto n = static_cast<size_t>(state.layout.d_sae);
  scratch.fired.assign(n, 0);
  const ActiveLists& lists = scratch.lists;
  parallel_tasks(lists.n_blocks, [&](int64_t b, int) {
    const BlockLists& entries = lists.blocks[static_cast<size_t>(b)];
    for (int64_t s = 0; s < lists.n_segments; ++s) {
      const int32_t* ptr = lists.ptr(b, s);
      for (int32_t q = ptr[0]; q < ptr[kRowBlock]; ++q) {
        if (entries.value()[q] == 0) continue;
        auto& flag = scratch.fired[static_cast<size_t>(s * lists.segment + entries.index()[q])];
        std::atomic_ref(flag).store(1, std::memory_order_relaxed);
      }
    }
  });
  scratch.since_active.resize(n);
  scratch.dead.clear();
  for (size_t j = 0; j < n; ++j) {
    scratch.since_active[j] = scratch.fired[j] ? 0 : state.since_active[j] + rows;
    if (scratch.since_active[j] >= dead_threshold) scratch.dead.push_back(static_cast<int32_t>(j));
  }
}

}  // namespace

StepMetrics step_forward(const TrainState& state, const float* x, int64_t rows, const StepOptions& options,
                         const Blocking& blocking, StepScratch& scratch, StepTimes* times) {
  const Layout& layout = state.layout;
  const auto n_prefixes = static_cast<int64_t>(std::max<size_t>(1, options.prefixes.size()));
  const int64_t matrix = rows * layout.padded_vit();
  scratch.centred.at_least(matrix);
  scratch.error.at_least(n_prefixes * matrix);
  scratch.b_dec_gradient.at_least(layout.padded_vit());
  scratch.zeros.at_least(layout.padded_vit());
  const bool centred = options.input == EncoderInput::kCentred;
  const double begin = now_ms();
  EncodeInput input;
  input.x = x;
  input.rows = rows;
  input.w_enc = state.w_enc.data();
  input.b_enc = state.b_enc.data();
  input.shift = centred ? state.b_dec.data() : nullptr;
  // What W_enc's gradient gathers: x − b_dec or x, whichever the encoder sees.
  input.slice_shift = centred ? state.b_dec.data() : scratch.zeros.data();
  input.slices = scratch.centred.data();
  input.job = options.job;
  // The gradient's memory is free until the backward pass.
  const auto room = [&] { return scratch.kept_encoder.at_least(layout.decoder_size()); };
  if (options.encoder_precision == Precision::kBfloat16) {
    input.half = &half_encoder(state.level);
  } else if (!blocking.screen) {
    input.room = room();
  }
  StepMetrics m;
  m.threshold =
      encode_kind(state, input, {options.activation, options.momentum, options.bandwidth, blocking.screen},
                  blocking.segment, scratch.encode, scratch.top_k, scratch.kind, scratch.lists);
  const double encoded = now_ms();
  const double entries = static_cast<double>(rows) * static_cast<double>(layout.d_vit);
  const auto scale = static_cast<float>(2 / (entries * static_cast<double>(n_prefixes)));
  DecodeTarget target;
  target.start = scratch.centred.data();
  target.bias = centred ? nullptr : state.b_dec.data();
  const ForwardError error = decode_error(
      state.level, layout, state.w_dec.data(), scratch.lists, target, options.prefixes, scale,
      scratch.error.data(), scratch.b_dec_gradient.data(), decode_options(blocking, options), scratch.decode);
  double penalty = penalty_of(options, error, scratch);
  if (options.activation.selection == Selection::kGated) {
    const ForwardError gate = gate_forward(state, target, rows, options, blocking, scratch.kind.gate);
    m.aux = gate.squares / entries;
    penalty = gate.l1;
  }
  scratch.has_aux = false;
  if (options.dead_threshold > 0) {
    count_dead(state, rows, options.dead_threshold, scratch);
    m.n_dead = static_cast<int64_t>(scratch.dead.size());
    scratch.has_aux = options.aux.k > 0 && m.n_dead > 0;
  }
  if (scratch.has_aux) {
    input.half = nullptr;
    input.room = room();
    // The last prefix is d_sae: its matrix holds the error of the whole reconstruction.
    m.aux += aux_forward(state, input, scratch.dead, options.aux, blocking.segment,
                         scratch.error.data() + (n_prefixes - 1) * matrix, scale, scratch.aux);
    if (options.aux.form == AuxForm::kPythonPackage) {
      for (int64_t k = 0; k < layout.padded_vit(); ++k)
        scratch.b_dec_gradient[static_cast<size_t>(k)] += scratch.aux.column_sums[static_cast<size_t>(k)];
    }
  }
  if (times) {
    times->encode += encoded - begin;
    times->decode += now_ms() - encoded;
  }
  m.mse = error.squares / (entries * static_cast<double>(n_prefixes));
  m.l1 = error.l1 / static_cast<double>(rows);
  m.l0 = static_cast<double>(error.active) / static_cast<double>(rows);
  m.density = m.l0 / static_cast<double>(layout.d_sae);
  m.sparsity = options.sparsity_coeff * (penalty / static_cast<double>(rows));
  m.loss = m.mse + m.sparsity + m.aux;
  return m;
}

StepMetrics step(TrainState& state, const float* x, int64_t rows, const StepOptions& given,
                 StepScratch& scratch, StepTimes* times, StepGradients* gradients) {
  StepOptions options = given;
  Blocking blocking = choose_blocking(state.density, state.level, state.layout.padded_sae(), num_threads());
  blocking.screen = options.screening == Screening::kAuto &&
                    options.encoder_precision == Precision::kFloat32 &&
                    EncoderScreen::possible(state.level, state.layout) && state.screen.next(state.density);
  const double start = now_ms();
  StepMetrics m = step_forward(state, x, rows, options, blocking, scratch, times);
  if (blocking.screen) {
    const double pairs = static_cast<double>(rows) * static_cast<double>(state.layout.padded_sae());
    m.screened = static_cast<double>(screened_candidates(scratch.encode)) / pairs;
    state.screen.screened(m.screened);
  }
  // The backward pass takes about as long again.
  if (options.job && now_ms() - start > kLongMs) options.gradients_first = true;
  if (!std::isfinite(m.loss)) return m;
  const double begin = now_ms();
  m.grad_norm = step_backward(state, rows, options, blocking, scratch, times, gradients);
  if (times) times->backward += now_ms() - begin;
  state.density = m.density;
  state.threshold = static_cast<float>(m.threshold);
  if (options.dead_threshold > 0) state.since_active = scratch.since_active;
  return m;
}

}  // namespace saev

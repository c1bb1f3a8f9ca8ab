#include <algorithm>
#include <cmath>

#include "core/now.h"
#include "core/parallel.h"
#include "kernels/cpu/adam.h"
#include "sae/backward_task.h"
#include "sae/muon.h"
#include "sae/step.h"

namespace saev {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

AdamStep adam_step(double lr, int64_t t) {
  const double c1 = 1 - std::pow(kBeta1, static_cast<double>(t)),
               c2 = 1 - std::pow(kBeta2, static_cast<double>(t));
  return {static_cast<float>(kBeta1),           static_cast<float>(kBeta2),     static_cast<float>(kEpsilon),
          static_cast<float>(1 - kBeta1),       static_cast<float>(1 - kBeta2), static_cast<float>(lr / c1),
          static_cast<float>(1 / std::sqrt(c2))};
}

/// The gradient of b_dec: less what came through the encoder, segment after segment.
void finish_b_dec(const Layout& layout, int64_t n_segments, StepScratch& scratch) {
  float* b_dec = scratch.b_dec_gradient.data();
  for (int64_t segment = 0; segment < n_segments; ++segment) {
    const float* sums = scratch.segment_sums.data() + segment * layout.padded_vit();
    for (int64_t k = 0; k < layout.padded_vit(); ++k) b_dec[k] -= sums[k];
  }
}

/// Norm of all gradients; sums are made in the latents' order, whatever the tasks.
double total_norm(const Layout& layout, const StepScratch& scratch) {
  double squares = 0;
  for (int64_t j = 0; j < layout.padded_sae(); ++j) squares += scratch.squares[static_cast<size_t>(j)];
  for (int64_t k = 0; k < layout.d_vit; ++k) {
    const double g = scratch.b_dec_gradient[static_cast<size_t>(k)];
    squares += g * g;
  }
  return std::sqrt(squares);
}

/// Clips the matrices' gradients, which the tasks have exported, and adds the vectors', which are clipped.
void export_vectors(const Layout& layout, const StepScratch& scratch, float factor, StepGradients& out) {
  for (auto* matrix : {&out.grads.w_dec, &out.grads.w_enc}) {
    for (float& v : *matrix) v *= factor;
  }
  std::copy_n(scratch.b_dec_gradient.data(), layout.d_vit, out.grads.b_dec.data());
  std::copy_n(scratch.b_enc_gradient.data(), layout.d_sae, out.grads.b_enc.data());
  const auto own = [&](size_t i) {
    const float* g = scratch.own_gradient[i].data();
    return std::vector<float>(g, g + layout.d_sae);
  };
  if (scratch.own_gradient.size() == 1) {
    out.grads.threshold = own(0);
  } else if (scratch.own_gradient.size() == 2) {
    out.grads.r_mag = own(0);
    out.grads.b_mag = own(1);
  }
}

}  // namespace

double step_backward(TrainState& state, int64_t rows, const StepOptions& options, const Blocking& blocking,
                     StepScratch& scratch, StepTimes* times, StepGradients* wanted) {
  const Layout& layout = state.layout;
  state.add_moments();
  const int64_t n_tasks = (layout.padded_sae() + blocking.latents - 1) / blocking.latents;
  const int threads = num_threads();
  scratch.workers.resize(static_cast<size_t>(std::max<int64_t>(threads, scratch.workers.size())));
  scratch.b_enc_gradient.at_least(layout.padded_sae());
  scratch.encoder_sums.at_least(layout.padded_sae());
  scratch.parallel.at_least(layout.padded_sae());
  scratch.own_gradient.resize(state.own.size());
  for (auto& own : scratch.own_gradient) own.at_least(layout.padded_sae());
  const int64_t n_segments = (layout.padded_sae() + blocking.segment - 1) / blocking.segment;
  scratch.segment_sums.at_least(n_segments * layout.padded_vit());
  std::fill_n(scratch.segment_sums.data(), n_segments * layout.padded_vit(), 0.0f);
  const bool muon = state.optimiser == Optimiser::kMuon;
  StepGradients* gradients = muon && wanted == nullptr ? &scratch.gradients : wanted;
  if (gradients) {
    gradients->grads = Params(layout.d_vit, layout.d_sae);
    gradients->raw_w_dec.assign(gradients->grads.w_dec.size(), 0.0f);
  }
  const AdamStep plain = adam_step(options.lr, state.t + 1);
  AdamStep adam = plain;  // of the matrices
  adam.keep = static_cast<float>(1 - options.lr * options.weight_decay);
  std::vector<StepTimes> mine(static_cast<size_t>(threads));
  const auto each_task = [&](const auto& work) {
    parallel_tasks(n_tasks, [&](int64_t number, int thread) {
      const auto t = static_cast<size_t>(thread);
      BackwardTask task(state, rows, options, blocking, scratch, adam, gradients, number);
      work(task, scratch.workers[t], times ? &mine[t] : nullptr);
    });
  };
  double norm = 0;
  float factor = 1;
  if (BackwardTask::keeps(state, options)) {
    // Clipping must know the norm before the first update, Muon whole matrices, and an abort must come before
    // anything is changed. Gradients are kept for it, two matrices more, as gathering them a second time
    // would be the whole backward pass again.
    scratch.kept_decoder.at_least(layout.decoder_size());
    scratch.kept_encoder.at_least(layout.decoder_size());
    scratch.squares.resize(static_cast<size_t>(layout.padded_sae()));
    const bool measures = BackwardTask::measures(state, options);
    each_task([&](BackwardTask& task, StepScratch::Worker& w, StepTimes* t) {
      if (options.job) options.job->check_abort();
      task.gradients(w, t);
      if (measures) task.measure();
    });
    if (measures) finish_b_dec(layout, n_segments, scratch);
    if (options.grad_clip > 0) {
      norm = total_norm(layout, scratch);
      factor = static_cast<float>(std::min(1.0, options.grad_clip / (norm + 1e-6)));
    }
    each_task([&](BackwardTask& task, StepScratch::Worker&, StepTimes* t) {
      task.resume(factor);
      if (!muon) task.update(t);
    });
    if (!measures) finish_b_dec(layout, n_segments, scratch);
    for (int64_t k = 0; k < layout.padded_vit(); ++k)
      scratch.b_dec_gradient[static_cast<size_t>(k)] *= factor;
  } else {
    each_task([](BackwardTask& task, StepScratch::Worker& w, StepTimes* t) {
      task.gradients(w, t);
      task.update(t);
    });
    finish_b_dec(layout, n_segments, scratch);
  }
  ++state.t;
  if (gradients) export_vectors(layout, scratch, factor, *gradients);
  if (muon) {
    const double begin = now_ms();
    muon_update(state, gradients->grads, options.lr, options.weight_decay);
    if (times) times->adam += now_ms() - begin;
  }
  const auto vector = SAEV_PICK(state.level, adam_vector);
  vector(plain, {state.b_enc.data(), state.m_b_enc.data(), state.v_b_enc.data(),
                 scratch.b_enc_gradient.data(), layout.padded_sae()});
  vector(plain, {state.b_dec.data(), state.m_b_dec.data(), state.v_b_dec.data(),
                 scratch.b_dec_gradient.data(), layout.padded_vit()});
  for (size_t i = 0; i < state.own.size(); ++i) {
    LatentParameter& p = state.own[i];
    vector(plain, {p.w.data(), p.m.data(), p.v.data(), scratch.own_gradient[i].data(), layout.padded_sae()});
  }
  if (times == nullptr) return norm;
  for (const StepTimes& t : mine) {
    times->lists += t.lists / threads;
    times->decoder_gradient += t.decoder_gradient / threads;
    times->encoder_gradient += t.encoder_gradient / threads;
    times->adam += t.adam / threads;
  }
  return norm;
}

}  // namespace saev

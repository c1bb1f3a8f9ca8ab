#include "sae/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

namespace saev {
namespace {

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// After a loss that is not finite: why, and what to do.
std::string advice(const TrainState& state, bool blame_data) {
  if (blame_data) {
    return "the batch holds NaN or infinite activations: record the shards anew. The weights from before "
           "this "
           "step are kept";
  }
  if (state.t == 0) return "it never was: look at the start weights and the data";
  return "training diverged: lower lr";
}

void expect(bool holds, const char* what) {
  if (!holds) throw Error(Code::kInvalidArgument, what);
}

void check_training(const SaeTraining& o, int64_t d_sae) {
  expect(o.n_lr_warmup >= 0 && o.n_sparsity_warmup >= 0,
         "n_lr_warmup and n_sparsity_warmup: expected 0 or more steps");
  check_activation(o.activation, d_sae);
  expect(o.decay == Decay::kConstant || o.n_steps >= 1, "nSteps: a falling schedule needs its total steps");
  expect(o.weight_decay >= 0, "weight_decay: expected 0 or more");
  expect(o.penalty != Penalty::kL0 || o.activation.selection == Selection::kJumpRelu,
         "penalty: the number of active latents moves thresholds only; l0 is for jump-relu");
  expect(o.penalty != Penalty::kL1 || o.activation.selection != Selection::kJumpRelu,
         "penalty: a jump-relu SAE is trained with l0 or tanh-l0");
  expect(o.penalty == Penalty::kL1 || o.activation.selection != Selection::kGated,
         "penalty: a gated SAE is trained with l1, on its gate");
  expect(o.tanh_scale > 0 && o.bandwidth > 0, "tanh_scale and bandwidth: expected numbers above 0");
  expect(o.momentum >= 0 && o.momentum <= 1, "momentum: expected a number from 0 to 1");
  expect(o.n_prefixes >= 1 && o.n_prefixes <= d_sae, "n_prefixes: expected from 1 to the SAE's latents");
  if (!o.prefixes.empty()) check_prefixes(o.prefixes, d_sae);
  expect(o.dead_threshold >= 0, "dead_threshold_tokens: expected 0 (not counted) or more rows");
  expect(o.aux.k >= 0 && o.aux.alpha >= 0, "k_aux and alpha: expected 0 or more");
  expect(
      o.aux.k == 0 || o.dead_threshold > 0,
      "k_aux: an auxiliary loss needs dead_threshold_tokens above 0, the rows after which a latent is dead");
  expect(o.grad_clip >= 0, "grad_clip: expected 0 (no clipping) or a norm above 0");
}

}  // namespace

Trainer::Trainer(int64_t d_vit) : d_vit_(d_vit) {
  if (d_vit < 1)
    throw Error(Code::kInvalidArgument, "d_vit: expected at least 1, found " + std::to_string(d_vit));
}

int64_t Trainer::add(const Params& params, const SaeTraining& o) {
  if (params.d_vit != d_vit_) {
    throw Error(Code::kShapeMismatch, "this trainer is for activations of width " + std::to_string(d_vit_) +
                                          ", the SAE is for " + std::to_string(params.d_vit));
  }
  check_training(o, params.d_sae);
  check_kind(o.activation.selection, params);
  if (o.encoder_precision == Precision::kBfloat16) half_encoder(active_level());
  const bool warms = o.n_sparsity_warmup > 0 && !o.legacy_sparsity_warmup;
  saes_.push_back({"SAE " + std::to_string(size()), "", false, steps_, o,
                   LearningRate(o.lr, o.n_lr_warmup, o.decay, o.n_steps),
                   Warmup(warms ? 0 : o.sparsity_coeff, o.sparsity_coeff, o.n_sparsity_warmup),
                   TrainState(params, o.normalize_w_dec, active_level(), o.optimiser)});
  return size() - 1;
}

const Trainer::Entry& Trainer::entry(int64_t sae) const {
  if (sae < 0 || sae >= size()) {
    throw Error(Code::kInvalidArgument,
                "sae: expected a number below " + std::to_string(size()) + ", found " + std::to_string(sae));
  }
  return saes_[static_cast<size_t>(sae)];
}

Params Trainer::params(int64_t sae) const {
  return entry(sae).state.params();
}

SparseAutoencoder Trainer::sae(int64_t sae) const {
  const Entry& e = entry(sae);
  Activation activation = e.options.activation;
  activation.threshold = static_cast<double>(e.state.threshold);
  return SparseAutoencoder(e.state.params(), e.options.input, activation);
}

const std::vector<int64_t>& Trainer::since_active(int64_t sae) const {
  return entry(sae).state.since_active;
}

StepOptions Trainer::step_options(const Entry& e, int64_t step, const std::vector<int64_t>& given) const {
  const SaeTraining& o = e.options;
  StepOptions out;
  out.lr = e.lr.at(step);
  out.sparsity_coeff = e.sparsity.at(step);
  out.remove_parallel_grads = o.remove_parallel_grads;
  out.activation = o.activation;
  out.momentum = o.momentum;
  out.input = o.input;
  const int64_t d_sae = e.state.layout.d_sae;
  if (!given.empty()) {
    check_prefixes(given, d_sae);
    out.prefixes = given;
  } else if (!o.prefixes.empty()) {
    out.prefixes = o.prefixes;
  } else if (o.n_prefixes > 1) {
    out.prefixes =
        draw_prefixes(d_sae, o.n_prefixes, o.prefix_form, static_cast<uint64_t>(o.prefix_seed), step);
  }
  out.dead_threshold = o.dead_threshold;
  out.aux = o.aux;
  out.grad_clip = o.grad_clip;
  out.weight_decay = o.weight_decay;
  out.penalty = o.penalty;
  out.tanh_scale = o.tanh_scale;
  out.bandwidth = o.bandwidth;
  out.screening = o.screening;
  out.encoder_precision = o.encoder_precision;
  return out;
}

std::vector<SaeStep> Trainer::step(const float* x, int64_t rows, StepTimes* times,
                                   std::vector<StepGradients>* gradients, const Job* job,
                                   const std::vector<int64_t>& prefixes) {
  std::vector<SaeStep> out;
  position_ = {};
  going_on_ = false;
  make_step(out, x, rows, times, gradients, job, false, prefixes);
  return out;
}

void Trainer::make_step(std::vector<SaeStep>& out, const float* x, int64_t rows, StepTimes* times,
                        std::vector<StepGradients>* gradients, const Job* job, bool each,
                        const std::vector<int64_t>& prefixes) {
  if (rows < 1) throw Error(Code::kInvalidArgument, "a step needs at least one row");
  const int64_t number = steps_ + 1;
  if (!saes_.empty() && std::none_of(saes_.begin(), saes_.end(), steps_on)) {
    const auto dropped =
        std::find_if(saes_.begin(), saes_.end(), [](const Entry& e) { return !e.dropped.empty(); });
    if (dropped != saes_.end()) throw Error(Code::kNumeric, "no SAE is left to train; " + dropped->dropped);
    throw Error(Code::kInvalidArgument, "no SAE is left to train: all were stopped");
  }
  out.assign(saes_.size(), {});
  if (gradients) gradients->resize(saes_.size());
  for (size_t i = 0; i < saes_.size(); ++i) {
    Entry& e = saes_[i];
    out[i].dropped = !e.dropped.empty();
    if (!steps_on(e) || e.steps >= number) continue;
    StepOptions options = step_options(e, number, prefixes);
    // In a single step all must come out at the same place, so that once one is updated the others follow.
    if (each || i == 0) options.job = job;
    out[i].lr = options.lr;
    out[i].sparsity_coeff = options.sparsity_coeff;
    out[i].metrics =
        saev::step(e.state, x, rows, options, scratch_, times, gradients ? &(*gradients)[i] : nullptr);
    out[i].prefixes = std::move(options.prefixes);
    if (!std::isfinite(out[i].metrics.loss)) {
      const bool data = !std::all_of(x, x + rows * d_vit_, [](float v) { return std::isfinite(v); });
      const bool blame = data && e.state.finite();
      const std::string why = "step " + std::to_string(number) + ": the loss of " + e.name +
                              " is not finite; " + advice(e.state, blame);
      if (blame) throw Error(Code::kNumeric, why);
      out[i].dropped = true;
      drop(e, why);
      continue;
    }
    e.steps = number;
    out[i].made = true;
  }
  ++steps_;
}

void Trainer::drop(Entry& e, const std::string& why) {
  e.dropped = why;
  e.state.free_moments();
  if (std::none_of(saes_.begin(), saes_.end(), steps_on)) throw Error(Code::kNumeric, why);
}

void Trainer::stop(int64_t sae) {
  Entry& e = entry(sae);
  e.stopped = true;
  e.state.free_moments();
  if (std::none_of(saes_.begin(), saes_.end(), steps_on)) scratch_ = {};
}

bool Trainer::run(BatchSource& source, const TrainRun& o, const Job& job,
                  const std::function<void(int64_t, const std::vector<SaeStep>&, int64_t)>& on_log,
                  const std::function<void(int64_t, int64_t)>& on_drop) {
  if (source.dim() != d_vit_) {
    throw Error(Code::kShapeMismatch, "the SAEs are for activations of width " + std::to_string(d_vit_) +
                                          ", the data has " + std::to_string(source.dim()));
  }
  if (o.batch_size < 1 || o.n_patches < 1) {
    throw Error(Code::kInvalidArgument, "n_patches and sae_batch_size must be at least 1");
  }
  if (source.length() < 1) throw Error(Code::kInvalidArgument, "the data has no activations");
  if (saes_.empty()) throw Error(Code::kInvalidArgument, "no SAE was added to this trainer");
  if (going_on_) {
    // A source that is there already keeps what it has read ahead.
    if (source.state() != position_.source) source.restore(position_.source);
  } else {
    position_ = {steps_, source.state(), {}};
  }
  going_on_ = true;
  BatchLimiter limiter(o.n_patches, o.batch_size);
  limiter.go_on_from(position_.count);
  auto total = static_cast<double>(steps_ - position_.first);
  for_each_planned_batch(
      source.length(), o.batch_size, o.n_patches, [&](int64_t) { return ++total, true; }, position_.count);
  Batch batch;
  std::vector<SaeStep> figures;
  const auto log = [&](int64_t step, int64_t rows) {
    if (on_log && o.log_every > 0 && step % o.log_every == 0) on_log(step, figures, rows);
  };
  std::vector<bool> told(saes_.size());
  const auto tell_dropped = [&] {
    for (size_t i = 0; i < saes_.size(); ++i) {
      if (saes_[i].dropped.empty() || told[i]) continue;
      told[i] = true;
      if (on_drop) on_drop(steps_, static_cast<int64_t>(i));
    }
  };
  for (size_t i = 0; i < saes_.size(); ++i) told[i] = !saes_[i].dropped.empty();
  double reported = 0;
  while (!limiter.over()) {
    int64_t rows = 0;
    figures.clear();
    try {
      job.check_abort();
      const double begin = seconds();
      rows = source.next(batch, o.batch_size, job);
      waited_ += seconds() - begin;
      if (rows > 0) {
        job.check_abort();
        make_step(figures, batch.acts.data(), rows, nullptr, nullptr, &job, true, {});
      }
    } catch (...) {
      // What was made is logged now: those SAEs will not make this step again.
      if (std::any_of(figures.begin(), figures.end(), [](const SaeStep& s) { return s.made; }))
        log(steps_ + 1, rows);
      source.restore(position_.source);
      throw;
    }
    if (rows == 0) {
      limiter.after_epoch();
    } else {
      log(steps_, rows);
      tell_dropped();
      limiter.after_batch(rows);
    }
    position_.source = source.state();
    position_.count = limiter.count();
    const double now = seconds();
    if (limiter.over() || now - reported > 0.1) {
      reported = now;
      job.report({static_cast<double>(steps_ - position_.first), total, {}});
    }
    if (rows == 0 || limiter.over()) continue;
    if ((o.pause && o.pause->load()) || (o.pause_every > 0 && steps_ % o.pause_every == 0) ||
        steps_ == o.pause_at)
      return false;
  }
  // No loss was computed with what the last update made.
  for (size_t i = 0; i < saes_.size(); ++i) {
    const TrainState& state = saes_[i].state;
    if (!steps_on(saes_[i]) || state.finite()) continue;
    drop(saes_[i],
         "after the last step the weights of " + saes_[i].name + " are not finite; " + advice(state, false));
    tell_dropped();
  }
  going_on_ = false;
  return true;
}

}  // namespace saev

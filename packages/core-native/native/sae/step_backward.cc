#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/adam.h"
#include "kernels/cpu/decoder_gradient.h"
#include "kernels/cpu/encode_relu.h"
#include "kernels/cpu/gather_rows.h"
#include "sae/step.h"

namespace saev {
namespace {

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void at_least(AlignedArray<float>& array, int64_t n) {
  if (static_cast<int64_t>(array.size()) < n) array = AlignedArray<float>(static_cast<size_t>(n));
}

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

AdamStep adam_step(double lr, int64_t t) {
  const double c1 = 1 - std::pow(kBeta1, static_cast<double>(t)),
               c2 = 1 - std::pow(kBeta2, static_cast<double>(t));
  return {static_cast<float>(kBeta1),           static_cast<float>(kBeta2),     static_cast<float>(kEpsilon),
          static_cast<float>(1 - kBeta1),       static_cast<float>(1 - kBeta2), static_cast<float>(lr / c1),
          static_cast<float>(1 / std::sqrt(c2))};
}

/// One task: the latents [first, first + n) with all rows.
class Task {
 public:
  Task(TrainState& state, int64_t rows, const StepOptions& options, const Blocking& blocking,
       StepScratch& scratch, const AdamStep& adam, StepGradients* gradients)
      : s_(state),
        l_(state.layout),
        rows_(rows),
        o_(options),
        b_(blocking),
        scratch_(scratch),
        adam_(adam),
        out_(gradients) {}

  void run(int64_t task, StepScratch::Worker& w, StepTimes* times) {
    first_ = task * b_.latents;
    n_ = std::min(b_.latents, l_.padded_sae() - first_);
    group_rows_ = b_.rows;
    n_groups_ = (rows_ + group_rows_ - 1) / group_rows_;
    const double t0 = now_ms();
    w.lists.transpose(scratch_.lists, first_ / b_.segment, (first_ + n_ + b_.segment - 1) / b_.segment, n_,
                      b_.rows);
    const int64_t size = n_ * l_.padded_vit();
    at_least(w.decoder, size);
    at_least(w.encoder, size);
    at_least(w.partial, std::max<int64_t>(8 * (static_cast<int64_t>(w.lists.longest) + 80),
                                          l_.slice_width * kPanel + 64));
    std::fill_n(w.decoder.data(), size, 0.0f);
    std::fill_n(w.encoder.data(), size, 0.0f);
    w.df.assign(static_cast<size_t>(w.lists.n) + 32, 0.0f);
    const double t1 = now_ms();
    decoder_gradient(w);
    const double t2 = now_ms();
    latent_sums(w);
    encoder_gradient(w);
    const double t3 = now_ms();
    if (out_) export_gradients(w);
    update(w);
    if (times) {
      times->lists += t1 - t0;
      times->decoder_gradient += t2 - t1;
      times->encoder_gradient += t3 - t2;
      times->adam += now_ms() - t3;
    }
  }

 private:
  /// ∂L/∂f = ∂L/∂x̂ · w and ∂L/∂W_dec, slice after slice, row group after row group.
  void decoder_gradient(StepScratch::Worker& w) {
    const auto kernel = SAEV_PICK(s_.level, decoder_gradient);
    const int64_t width = l_.slice_width;
    for (int64_t s = 0; s < l_.n_slices; ++s) {
      for (int64_t g = 0; g < n_groups_; ++g) {
        const float* e = scratch_.error.data() + (s * rows_ + g * group_rows_) * width;
        const int64_t next = next_rows(g);
        kernel({e, width, s_.w_dec.data() + s * l_.slice_stride() + first_ * width,
                w.lists.ptr.data() + g * n_, n_, w.lists.row.data(), w.lists.f.data(),
                w.decoder.data() + s * n_ * width, w.df.data(), w.partial.data(),
                next ? e + group_rows_ * width : nullptr, next * width, b_.backward_look_ahead});
      }
    }
  }

  /// Rows of the group after `g`, or 0 where it need not be fetched.
  int64_t next_rows(int64_t g) const {
    if (!b_.backward_next || g + 1 >= n_groups_) return 0;
    return std::min(group_rows_, rows_ - (g + 1) * group_rows_);
  }

  /// Per latent: g · w = Σ f ∂L/∂f from the error alone, then ∂L/∂f with the L1 term, and its sum, ∂L/∂b_enc.
  void latent_sums(StepScratch::Worker& w) {
    const auto l1 = static_cast<float>(o_.sparsity_coeff / static_cast<double>(rows_));
    w.parallel.assign(static_cast<size_t>(n_), 0.0f);
    float* sum = scratch_.b_enc_gradient.data() + first_;
    std::fill_n(sum, n_, 0.0f);
    for (int64_t g = 0; g < n_groups_; ++g) {
      for (int64_t j = 0; j < n_; ++j) {
        float parallel = 0, total = 0;
        for (int32_t q = w.lists.ptr[static_cast<size_t>(g * n_ + j)],
                     e = w.lists.ptr[static_cast<size_t>(g * n_ + j) + 1];
             q < e; ++q) {
          float& df = w.df[static_cast<size_t>(q)];
          parallel += w.lists.f[static_cast<size_t>(q)] * df;
          df += l1;
          total += df;
        }
        w.parallel[static_cast<size_t>(j)] += parallel;
        sum[j] += total;
      }
    }
    if (s_.normalized) return;
    for (int64_t j = 0; j < n_; ++j) {  // rows of any length: the projection divides by ‖w‖²
      const float norm = s_.norm[static_cast<size_t>(first_ + j)];
      if (norm > 0) w.parallel[static_cast<size_t>(j)] /= norm * norm;
    }
  }

  /// ∂L/∂W_enc[:, j] = Σ_rows ∂L/∂f (x − b_dec).
  void encoder_gradient(StepScratch::Worker& w) {
    const auto kernel = SAEV_PICK(s_.level, gather_rows);
    const int64_t width = l_.slice_width;
    for (int64_t s = 0; s < l_.n_slices; ++s) {
      for (int64_t g = 0; g < n_groups_; ++g) {
        const float* x = scratch_.centred.data() + (s * rows_ + g * group_rows_) * width;
        const int64_t next = next_rows(g);
        kernel({x, width, w.lists.ptr.data() + g * n_, n_, w.lists.row.data(), w.df.data(),
                w.encoder.data() + s * n_ * width, next ? x + group_rows_ * width : nullptr, next * width,
                b_.backward_look_ahead});
      }
    }
  }

  void update(StepScratch::Worker& w) {
    const int64_t width = l_.slice_width, at = first_ * width;
    SAEV_PICK(s_.level, adam_decoder)
    (adam_, {s_.w_dec.data() + at, s_.m_w_dec.data() + at, s_.v_w_dec.data() + at, l_.slice_stride(),
             l_.n_slices, width, n_, w.decoder.data(), o_.remove_parallel_grads ? w.parallel.data() : nullptr,
             s_.norm.data() + first_, s_.normalized});
    const auto encoder = SAEV_PICK(s_.level, adam_encoder);
    for (int64_t j = 0; j < n_; j += kPanel) {
      float* b_dec = scratch_.segment_sums.data() + (first_ + j) / b_.segment * l_.padded_vit();
      const int64_t panel = (first_ + j) * l_.d_vit;
      encoder(adam_, {s_.w_enc.data() + panel, s_.m_w_enc.data() + panel, s_.v_w_enc.data() + panel, l_.d_vit,
                      w.encoder.data() + j * width, n_ * width, width,
                      scratch_.b_enc_gradient.data() + first_ + j, b_dec, w.partial.data()});
    }
  }

  void export_gradients(const StepScratch::Worker& w) {
    const int64_t width = l_.slice_width;
    for (int64_t j = 0; j < n_ && first_ + j < l_.d_sae; ++j) {
      for (int64_t k = 0; k < l_.d_vit; ++k) {
        const int64_t at = (k / width * n_ + j) * width + k % width;
        const float raw = w.decoder[static_cast<size_t>(at)];
        const float weight =
            s_.w_dec[static_cast<size_t>(k / width * l_.slice_stride() + (first_ + j) * width + k % width)];
        const auto row = static_cast<size_t>((first_ + j) * l_.d_vit + k);
        out_->raw_w_dec[row] = raw;
        out_->grads.w_dec[row] =
            o_.remove_parallel_grads ? raw - w.parallel[static_cast<size_t>(j)] * weight : raw;
        out_->grads.w_enc[static_cast<size_t>(k * l_.d_sae + first_ + j)] =
            w.encoder[static_cast<size_t>(at)];
      }
    }
  }

  TrainState& s_;
  const Layout& l_;
  int64_t rows_;
  const StepOptions& o_;
  const Blocking& b_;
  StepScratch& scratch_;
  const AdamStep& adam_;
  StepGradients* out_;
  int64_t first_ = 0, n_ = 0, group_rows_ = 0, n_groups_ = 0;
};

}  // namespace

void step_backward(TrainState& state, int64_t rows, const StepOptions& options, const Blocking& blocking,
                   StepScratch& scratch, StepTimes* times, StepGradients* gradients) {
  const Layout& layout = state.layout;
  const int64_t n_tasks = (layout.padded_sae() + blocking.latents - 1) / blocking.latents;
  const int threads = num_threads();
  scratch.workers.resize(static_cast<size_t>(std::max<int64_t>(threads, scratch.workers.size())));
  at_least(scratch.b_enc_gradient, layout.padded_sae());
  const int64_t n_segments = (layout.padded_sae() + blocking.segment - 1) / blocking.segment;
  at_least(scratch.segment_sums, n_segments * layout.padded_vit());
  std::fill_n(scratch.segment_sums.data(), n_segments * layout.padded_vit(), 0.0f);
  if (gradients) {
    gradients->grads = Params(layout.d_vit, layout.d_sae);
    gradients->raw_w_dec.assign(gradients->grads.w_dec.size(), 0.0f);
  }
  const AdamStep adam = adam_step(options.lr, ++state.t);
  std::vector<StepTimes> mine(static_cast<size_t>(threads));
  parallel_tasks(n_tasks, [&](int64_t task, int thread) {
    const auto t = static_cast<size_t>(thread);
    Task(state, rows, options, blocking, scratch, adam, gradients)
        .run(task, scratch.workers[t], times ? &mine[t] : nullptr);
  });
  float* b_dec = scratch.b_dec_gradient.data();
  for (int64_t segment = 0; segment < n_segments; ++segment) {
    const float* sums = scratch.segment_sums.data() + segment * layout.padded_vit();
    for (int64_t k = 0; k < layout.padded_vit(); ++k) b_dec[k] -= sums[k];
  }
  if (gradients) {
    std::copy_n(b_dec, layout.d_vit, gradients->grads.b_dec.data());
    std::copy_n(scratch.b_enc_gradient.data(), layout.d_sae, gradients->grads.b_enc.data());
  }
  const auto vector = SAEV_PICK(state.level, adam_vector);
  vector(adam, {state.b_enc.data(), state.m_b_enc.data(), state.v_b_enc.data(), scratch.b_enc_gradient.data(),
                layout.padded_sae()});
  vector(adam, {state.b_dec.data(), state.m_b_dec.data(), state.v_b_dec.data(), b_dec, layout.padded_vit()});
  if (times == nullptr) return;
  for (const StepTimes& t : mine) {
    times->lists += t.lists / threads;
    times->decoder_gradient += t.decoder_gradient / threads;
    times->encoder_gradient += t.encoder_gradient / threads;
    times->adam += t.adam / threads;
  }
}

}  // namespace saev

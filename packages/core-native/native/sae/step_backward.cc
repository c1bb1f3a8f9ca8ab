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
       StepScratch& scratch, const AdamStep& adam, StepGradients* gradients, int64_t task)
      : s_(state),
        l_(state.layout),
        rows_(rows),
        o_(options),
        b_(blocking),
        scratch_(scratch),
        adam_(adam),
        out_(gradients),
        first_(task * blocking.latents),
        n_(std::min(blocking.latents, state.layout.padded_sae() - first_)),
        group_rows_(blocking.rows),
        n_groups_((rows + group_rows_ - 1) / group_rows_) {}

  /// Gradients. They stay in the worker's arrays, or in the step's where they are clipped.
  void gradients(StepScratch::Worker& w, StepTimes* times) {
    const double t0 = now_ms();
    transpose(scratch_.lists, w.lists, w.df);
    if (scratch_.has_aux) transpose(scratch_.aux.lists, w.aux, w.aux_df);
    const int64_t size = n_ * l_.padded_vit();
    if (o_.grad_clip > 0 || o_.gradients_first) {
      decoder_ = scratch_.kept_decoder.data() + first_ * l_.padded_vit();
      encoder_ = scratch_.kept_encoder.data() + first_ * l_.padded_vit();
    } else {
      at_least(w.decoder, size);
      at_least(w.encoder, size);
      decoder_ = w.decoder.data();
      encoder_ = w.encoder.data();
    }
    const int64_t longest = std::max(w.lists.longest, scratch_.has_aux ? w.aux.longest : 0);
    at_least(w.partial, 8 * (longest + 80));
    std::fill_n(decoder_, size, 0.0f);
    std::fill_n(encoder_, size, 0.0f);
    std::fill_n(scratch_.parallel.data() + first_, n_, 0.0f);
    std::fill_n(scratch_.b_enc_gradient.data() + first_, n_, 0.0f);
    const double t1 = now_ms();
    decoder_gradient(w, w.lists, w.df, scratch_.error.data(), o_.prefixes);
    if (scratch_.has_aux) decoder_gradient(w, w.aux, w.aux_df, scratch_.aux.error.data(), {});
    const double t2 = now_ms();
    latent_sums(w.lists, w.df, static_cast<float>(o_.sparsity_coeff / static_cast<double>(rows_)));
    if (scratch_.has_aux) latent_sums(w.aux, w.aux_df, 0);
    divide_by_norms();
    encoder_gradient(w.lists, w.df);
    if (scratch_.has_aux) encoder_gradient(w.aux, w.aux_df);
    if (out_) export_gradients();
    if (!times) return;
    times->lists += t1 - t0;
    times->decoder_gradient += t2 - t1;
    times->encoder_gradient += now_ms() - t2;
  }

  /// Squares of each latent's gradients, and these latents' share of the gradient of b_dec.
  void measure() {
    const int64_t width = l_.slice_width;
    for (int64_t j = 0; j < n_; ++j) {
      const float p = o_.remove_parallel_grads ? scratch_.parallel[static_cast<size_t>(first_ + j)] : 0.0f;
      const float b = scratch_.b_enc_gradient[static_cast<size_t>(first_ + j)];
      double squares = static_cast<double>(b) * b;
      for (int64_t s = 0; s < l_.n_slices; ++s) {
        const float* w = s_.w_dec.data() + s * l_.slice_stride() + (first_ + j) * width;
        const float* d = decoder_ + (s * n_ + j) * width;
        const float* e = encoder_ + (s * n_ + j) * width;
        float sum[16] = {};
        for (int64_t k = 0; k < width; k += 16) {
          for (int64_t i = 0; i < 16; ++i) {
            const float g = d[k + i] - p * w[k + i];
            sum[i] += g * g + e[k + i] * e[k + i];
          }
        }
        for (const float v : sum) squares += v;
      }
      scratch_.squares[static_cast<size_t>(first_ + j)] = squares;
    }
    if (o_.input != EncoderInput::kCentred) return;
    for (int64_t j = 0; j < n_; j += kPanel) {
      float* b_dec = b_dec_sums(j);
      for (int64_t i = j; i < j + kPanel; ++i) {
        const float sum = scratch_.b_enc_gradient[static_cast<size_t>(first_ + i)];
        const float* w = s_.w_enc.data() + (first_ + i) * l_.row_stride();
        for (int64_t k = 0; k < l_.d_vit; ++k) b_dec[k] += sum * w[k];
      }
    }
  }

  /// Takes up the gradients that another task object left in the step's arrays, and scales them.
  void resume(float factor) {
    decoder_ = scratch_.kept_decoder.data() + first_ * l_.padded_vit();
    encoder_ = scratch_.kept_encoder.data() + first_ * l_.padded_vit();
    if (factor == 1) return;
    const int64_t size = n_ * l_.padded_vit();
    for (int64_t i = 0; i < size; ++i) decoder_[i] *= factor;
    for (int64_t i = 0; i < size; ++i) encoder_[i] *= factor;
    for (int64_t j = first_; j < first_ + n_; ++j) {
      scratch_.parallel[static_cast<size_t>(j)] *= factor;
      scratch_.b_enc_gradient[static_cast<size_t>(j)] *= factor;
    }
  }

  void update(StepTimes* times) {
    const double begin = now_ms();
    const int64_t width = l_.slice_width, at = first_ * width;
    SAEV_PICK(s_.level, adam_decoder)
    (adam_,
     {s_.w_dec.data() + at, s_.m_w_dec.data() + at, s_.v_w_dec.data() + at, l_.slice_stride(), l_.n_slices,
      width, n_, decoder_, o_.remove_parallel_grads ? scratch_.parallel.data() + first_ : nullptr,
      s_.norm.data() + first_, s_.normalized});
    const auto encoder = SAEV_PICK(s_.level, adam_encoder);
    // Where gradients are clipped, `measure` has summed the gradient of b_dec.
    const bool sums = o_.input == EncoderInput::kCentred && !(o_.grad_clip > 0);
    for (int64_t j = 0; j < n_; j += kPanel) {
      const int64_t row = (first_ + j) * l_.row_stride();
      encoder(adam_, {s_.w_enc.data() + row, s_.m_w_enc.data() + row, s_.v_w_enc.data() + row,
                      l_.row_stride(), kPanel, encoder_ + j * width, n_ * width, width,
                      scratch_.b_enc_gradient.data() + first_ + j, sums ? b_dec_sums(j) : nullptr});
    }
    if (times) times->adam += now_ms() - begin;
  }

 private:
  void transpose(const ActiveLists& from, LatentLists& to, std::vector<float>& df) {
    to.transpose(from, first_ / b_.segment, (first_ + n_ + b_.segment - 1) / b_.segment, n_, b_.rows);
    df.assign(static_cast<size_t>(to.n) + 32, 0.0f);
  }

  float* b_dec_sums(int64_t j) {
    return scratch_.segment_sums.data() + (first_ + j) / b_.segment * l_.padded_vit();
  }

  /// ∂L/∂f = ∂L/∂x̂ · w and ∂L/∂W_dec, slice after slice, row group after row group. Latents between two
  /// prefixes see the matrix of the longer one.
  void decoder_gradient(StepScratch::Worker& w, LatentLists& lists, std::vector<float>& df,
                        const float* errors, const std::vector<int64_t>& prefixes) {
    const auto kernel = SAEV_PICK(s_.level, decoder_gradient);
    const int64_t width = l_.slice_width;
    for (int64_t s = 0; s < l_.n_slices; ++s) {
      for (int64_t g = 0; g < n_groups_; ++g) {
        int64_t j = 0;
        for (size_t p = 0; j < n_; ++p) {
          const bool last = p + 1 >= prefixes.size();
          const int64_t end = last ? n_ : std::min(n_, prefixes[p] - first_);
          if (end <= j) continue;
          const float* e = errors + static_cast<int64_t>(p) * rows_ * l_.padded_vit() +
                           (s * rows_ + g * group_rows_) * width;
          const int64_t next = j == 0 && end == n_ ? next_rows(g) : 0;
          kernel({e, width, s_.w_dec.data() + s * l_.slice_stride() + (first_ + j) * width,
                  lists.ptr.data() + g * n_ + j, end - j, lists.row.data(), lists.f.data(),
                  decoder_ + (s * n_ + j) * width, df.data(), w.partial.data(),
                  next ? e + group_rows_ * width : nullptr, next * width, b_.backward_look_ahead});
          j = end;
        }
      }
    }
  }

  /// Rows of the group after `g`, or 0 where it need not be fetched.
  int64_t next_rows(int64_t g) const {
    if (!b_.backward_next || g + 1 >= n_groups_) return 0;
    return std::min(group_rows_, rows_ - (g + 1) * group_rows_);
  }

  /// Per latent: g · w = Σ f ∂L/∂f from the error alone, then ∂L/∂f with the L1 term, and its sum, ∂L/∂b_enc.
  void latent_sums(const LatentLists& lists, std::vector<float>& df_of, float l1) {
    float* sum = scratch_.b_enc_gradient.data() + first_;
    float* along = scratch_.parallel.data() + first_;
    for (int64_t g = 0; g < n_groups_; ++g) {
      for (int64_t j = 0; j < n_; ++j) {
        float parallel = 0, total = 0;
        for (int32_t q = lists.ptr[static_cast<size_t>(g * n_ + j)],
                     e = lists.ptr[static_cast<size_t>(g * n_ + j) + 1];
             q < e; ++q) {
          const float f = lists.f[static_cast<size_t>(q)];
          float& df = df_of[static_cast<size_t>(q)];
          parallel += f * df;
          df += std::copysign(l1, f);
          total += df;
        }
        along[j] += parallel;
        sum[j] += total;
      }
    }
  }

  /// Rows of any length: the projection divides by ‖w‖².
  void divide_by_norms() {
    if (s_.normalized) return;
    for (int64_t j = first_; j < first_ + n_; ++j) {
      const float norm = s_.norm[static_cast<size_t>(j)];
      if (norm > 0) scratch_.parallel[static_cast<size_t>(j)] /= norm * norm;
    }
  }

  /// ∂L/∂W_enc[:, j] = Σ_rows ∂L/∂f (x − b_dec), or x where the encoder sees that.
  void encoder_gradient(const LatentLists& lists, const std::vector<float>& df) {
    const auto kernel = SAEV_PICK(s_.level, gather_rows);
    const int64_t width = l_.slice_width;
    for (int64_t s = 0; s < l_.n_slices; ++s) {
      for (int64_t g = 0; g < n_groups_; ++g) {
        const float* x = scratch_.centred.data() + (s * rows_ + g * group_rows_) * width;
        const int64_t next = next_rows(g);
        kernel({x, width, lists.ptr.data() + g * n_, n_, lists.row.data(), df.data(),
                encoder_ + s * n_ * width, next ? x + group_rows_ * width : nullptr, next * width,
                b_.backward_look_ahead});
      }
    }
  }

  void export_gradients() {
    const int64_t width = l_.slice_width;
    for (int64_t j = 0; j < n_ && first_ + j < l_.d_sae; ++j) {
      for (int64_t k = 0; k < l_.d_vit; ++k) {
        const int64_t at = (k / width * n_ + j) * width + k % width;
        const float raw = decoder_[at];
        const float weight =
            s_.w_dec[static_cast<size_t>(k / width * l_.slice_stride() + (first_ + j) * width + k % width)];
        const auto row = static_cast<size_t>((first_ + j) * l_.d_vit + k);
        out_->raw_w_dec[row] = raw;
        out_->grads.w_dec[row] = o_.remove_parallel_grads
                                     ? raw - scratch_.parallel[static_cast<size_t>(first_ + j)] * weight
                                     : raw;
        out_->grads.w_enc[static_cast<size_t>(k * l_.d_sae + first_ + j)] = encoder_[at];
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
  int64_t first_, n_, group_rows_, n_groups_;
  float* decoder_ = nullptr;  ///< [slice][n][width]
  float* encoder_ = nullptr;
};

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

/// Room for all gradients.
void keep_gradients(const Layout& layout, StepScratch& scratch) {
  at_least(scratch.kept_decoder, layout.decoder_size());
  at_least(scratch.kept_encoder, layout.decoder_size());
}

void scale_all(std::vector<float>& values, float factor) {
  for (float& v : values) v *= factor;
}

}  // namespace

double step_backward(TrainState& state, int64_t rows, const StepOptions& options, const Blocking& blocking,
                     StepScratch& scratch, StepTimes* times, StepGradients* gradients) {
  const Layout& layout = state.layout;
  const int64_t n_tasks = (layout.padded_sae() + blocking.latents - 1) / blocking.latents;
  const int threads = num_threads();
  scratch.workers.resize(static_cast<size_t>(std::max<int64_t>(threads, scratch.workers.size())));
  at_least(scratch.b_enc_gradient, layout.padded_sae());
  at_least(scratch.parallel, layout.padded_sae());
  const int64_t n_segments = (layout.padded_sae() + blocking.segment - 1) / blocking.segment;
  at_least(scratch.segment_sums, n_segments * layout.padded_vit());
  std::fill_n(scratch.segment_sums.data(), n_segments * layout.padded_vit(), 0.0f);
  if (gradients) {
    gradients->grads = Params(layout.d_vit, layout.d_sae);
    gradients->raw_w_dec.assign(gradients->grads.w_dec.size(), 0.0f);
  }
  const bool clips = options.grad_clip > 0;
  const AdamStep plain = adam_step(options.lr, state.t + 1);
  AdamStep adam = plain;  // of the matrices
  adam.keep = static_cast<float>(1 - options.lr * options.weight_decay);
  std::vector<StepTimes> mine(static_cast<size_t>(threads));
  const auto each_task = [&](const auto& work) {
    parallel_tasks(n_tasks, [&](int64_t number, int thread) {
      const auto t = static_cast<size_t>(thread);
      Task task(state, rows, options, blocking, scratch, adam, gradients, number);
      work(task, scratch.workers[t], times ? &mine[t] : nullptr);
    });
  };
  double norm = 0;
  float factor = 1;
  if (clips) {
    // The norm must be known before the first update. Gradients are kept for it, two matrices more, as
    // gathering them a second time would be the whole backward pass again.
    keep_gradients(layout, scratch);
    scratch.squares.resize(static_cast<size_t>(layout.padded_sae()));
    each_task([&](Task& task, StepScratch::Worker& w, StepTimes* t) {
      if (options.job) options.job->check_abort();
      task.gradients(w, t);
      task.measure();
    });
    finish_b_dec(layout, n_segments, scratch);
    norm = total_norm(layout, scratch);
    factor = static_cast<float>(std::min(1.0, options.grad_clip / (norm + 1e-6)));
    each_task([factor](Task& task, StepScratch::Worker&, StepTimes* t) {
      task.resume(factor);
      task.update(t);
    });
    for (int64_t k = 0; k < layout.padded_vit(); ++k)
      scratch.b_dec_gradient[static_cast<size_t>(k)] *= factor;
  } else if (options.gradients_first) {
    keep_gradients(layout, scratch);
    each_task([&](Task& task, StepScratch::Worker& w, StepTimes* t) {
      if (options.job) options.job->check_abort();
      task.gradients(w, t);
    });
    each_task([](Task& task, StepScratch::Worker&, StepTimes* t) {
      task.resume(1);
      task.update(t);
    });
    finish_b_dec(layout, n_segments, scratch);
  } else {
    each_task([](Task& task, StepScratch::Worker& w, StepTimes* t) {
      task.gradients(w, t);
      task.update(t);
    });
    finish_b_dec(layout, n_segments, scratch);
  }
  ++state.t;
  const float* b_dec = scratch.b_dec_gradient.data();
  if (gradients) {
    scale_all(gradients->grads.w_dec, factor);
    scale_all(gradients->grads.w_enc, factor);
    std::copy_n(b_dec, layout.d_vit, gradients->grads.b_dec.data());
    std::copy_n(scratch.b_enc_gradient.data(), layout.d_sae, gradients->grads.b_enc.data());
  }
  const auto vector = SAEV_PICK(state.level, adam_vector);
  vector(plain, {state.b_enc.data(), state.m_b_enc.data(), state.v_b_enc.data(),
                 scratch.b_enc_gradient.data(), layout.padded_sae()});
  vector(plain, {state.b_dec.data(), state.m_b_dec.data(), state.v_b_dec.data(), b_dec, layout.padded_vit()});
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

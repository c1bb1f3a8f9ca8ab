#include "sae/backward_task.h"

#include <algorithm>
#include <cmath>

#include "core/now.h"
#include "kernels/cpu/decoder_gradient.h"
#include "kernels/cpu/encode_relu.h"
#include "kernels/cpu/gather_rows.h"
#include "sae/pair_gradient.h"

namespace saev {

BackwardTask::BackwardTask(TrainState& state, int64_t rows, const StepOptions& options,
                           const Blocking& blocking, StepScratch& scratch, const AdamStep& adam,
                           StepGradients* gradients, int64_t task)
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

void BackwardTask::gradients(StepScratch::Worker& w, StepTimes* times) {
  const double t0 = now_ms();
  // A gated SAE's pairs are those of its gate; their values to the reconstruction follow from them.
  transpose(gated() ? scratch_.kind.gate.lists : scratch_.lists, w.lists, w.df);
  if (scratch_.has_aux) transpose(scratch_.aux.lists, w.aux, w.aux_df);
  const int64_t size = n_ * l_.padded_vit();
  if (keeps(s_, o_)) {
    decoder_ = scratch_.kept_decoder.data() + first_ * l_.padded_vit();
    encoder_ = scratch_.kept_encoder.data() + first_ * l_.padded_vit();
  } else {
    w.decoder.at_least(size);
    w.encoder.at_least(size);
    decoder_ = w.decoder.data();
    encoder_ = w.encoder.data();
  }
  const int64_t longest = std::max(w.lists.longest, scratch_.has_aux ? w.aux.longest : 0);
  w.partial.at_least(8 * (longest + 80));
  std::fill_n(decoder_, size, 0.0f);
  std::fill_n(encoder_, size, 0.0f);
  std::fill_n(scratch_.parallel.data() + first_, n_, 0.0f);
  std::fill_n(scratch_.b_enc_gradient.data() + first_, n_, 0.0f);
  if (gated()) std::fill_n(scratch_.encoder_sums.data() + first_, n_, 0.0f);
  for (auto& own : scratch_.own_gradient) std::fill_n(own.data() + first_, n_, 0.0f);
  const double t1 = now_ms();
  const float* f = w.lists.f.data();
  if (gated()) f = magnitudes(w);
  decoder_gradient(w, w.lists, f, w.df, scratch_.error.data(), o_.prefixes);
  if (scratch_.has_aux) decoder_gradient(w, w.aux, w.aux.f.data(), w.aux_df, scratch_.aux.error.data(), {});
  const double t2 = now_ms();
  kind_gradient(w);
  divide_by_norms();
  encoder_gradient(w.lists, w.df);
  if (scratch_.has_aux) encoder_gradient(w.aux, w.aux_df);
  if (out_) export_gradients();
  if (!times) return;
  times->lists += t1 - t0;
  times->decoder_gradient += t2 - t1;
  times->encoder_gradient += now_ms() - t2;
}

void BackwardTask::measure() {
  const int64_t width = l_.slice_width;
  for (int64_t j = 0; j < n_; ++j) {
    const float p = o_.remove_parallel_grads ? scratch_.parallel[static_cast<size_t>(first_ + j)] : 0.0f;
    const float b = scratch_.b_enc_gradient[static_cast<size_t>(first_ + j)];
    double squares = static_cast<double>(b) * b;
    for (const auto& own : scratch_.own_gradient) {
      const double g = own[static_cast<size_t>(first_ + j)];
      squares += g * g;
    }
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
      const float sum = input_sums()[i];
      const float* w = s_.w_enc.data() + (first_ + i) * l_.row_stride();
      for (int64_t k = 0; k < l_.d_vit; ++k) b_dec[k] += sum * w[k];
    }
  }
}

void BackwardTask::resume(float factor) {
  decoder_ = scratch_.kept_decoder.data() + first_ * l_.padded_vit();
  encoder_ = scratch_.kept_encoder.data() + first_ * l_.padded_vit();
  if (factor == 1) return;
  const int64_t size = n_ * l_.padded_vit();
  for (int64_t i = 0; i < size; ++i) decoder_[i] *= factor;
  for (int64_t i = 0; i < size; ++i) encoder_[i] *= factor;
  for (int64_t j = first_; j < first_ + n_; ++j) {
    scratch_.parallel[static_cast<size_t>(j)] *= factor;
    scratch_.b_enc_gradient[static_cast<size_t>(j)] *= factor;
    if (gated()) scratch_.encoder_sums[static_cast<size_t>(j)] *= factor;
    for (auto& own : scratch_.own_gradient) own[static_cast<size_t>(j)] *= factor;
  }
}

void BackwardTask::update(StepTimes* times) {
  const double begin = now_ms();
  const int64_t width = l_.slice_width, at = first_ * width;
  SAEV_PICK(s_.level, adam_decoder)
  (adam_,
   {s_.w_dec.data() + at, s_.m_w_dec.data() + at, s_.v_w_dec.data() + at, l_.slice_stride(), l_.n_slices,
    width, n_, decoder_, o_.remove_parallel_grads ? scratch_.parallel.data() + first_ : nullptr,
    s_.norm.data() + first_, s_.normalized});
  const auto encoder = SAEV_PICK(s_.level, adam_encoder);
  // Else `measure` has summed the gradient of b_dec.
  const bool sums = o_.input == EncoderInput::kCentred && !measures(s_, o_);
  for (int64_t j = 0; j < n_; j += kPanel) {
    const int64_t row = (first_ + j) * l_.row_stride();
    encoder(adam_,
            {s_.w_enc.data() + row, s_.m_w_enc.data() + row, s_.v_w_enc.data() + row, l_.row_stride(), kPanel,
             encoder_ + j * width, n_ * width, width, input_sums() + j, sums ? b_dec_sums(j) : nullptr});
  }
  if (times) times->adam += now_ms() - begin;
}

void BackwardTask::transpose(const ActiveLists& from, LatentLists& to, std::vector<float>& df) {
  to.transpose(from, first_ / b_.segment, (first_ + n_ + b_.segment - 1) / b_.segment, n_, b_.rows);
  df.assign(static_cast<size_t>(to.n) + 32, 0.0f);
}

float* BackwardTask::b_dec_sums(int64_t j) {
  return scratch_.segment_sums.data() + (first_ + j) / b_.segment * l_.padded_vit();
}

/// df += ∂L/∂x̂ · w and ∂L/∂W_dec, slice after slice, row group after row group. Latents between two
/// prefixes see the matrix of the longer one.
void BackwardTask::decoder_gradient(StepScratch::Worker& w, const LatentLists& lists, const float* value,
                                    std::vector<float>& df, const float* errors,
                                    const std::vector<int64_t>& prefixes) {
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
                lists.ptr.data() + g * n_ + j, end - j, lists.row.data(), value,
                decoder_ + (s * n_ + j) * width, df.data(), w.partial.data(),
                next ? e + group_rows_ * width : nullptr, next * width, b_.backward_look_ahead});
        j = end;
      }
    }
  }
}

/// Rows of the group after `g`, or 0 where it need not be fetched.
int64_t BackwardTask::next_rows(int64_t g) const {
  if (!b_.backward_next || g + 1 >= n_groups_) return 0;
  return std::min(group_rows_, rows_ - (g + 1) * group_rows_);
}

/// A gated task's latents, and f of its pairs.
const float* BackwardTask::magnitudes(StepScratch::Worker& w) {
  w.gated.clear();
  for (int64_t j = 0; j < n_; ++j) w.gated.push_back(gated_latent(s_, first_ + j));
  w.magnitude.resize(w.df.size());
  for (int64_t i = 0; i < n_groups_ * n_; ++i) {
    const auto end = static_cast<size_t>(w.lists.ptr[static_cast<size_t>(i) + 1]);
    const GatedLatent& latent = w.gated[static_cast<size_t>(i % n_)];
    for (auto q = static_cast<size_t>(w.lists.ptr[static_cast<size_t>(i)]); q < end; ++q)
      w.magnitude[q] = latent.magnitude(w.lists.f[q]);
  }
  return w.magnitude.data();
}

/// From ∂L/∂f to ∂L/∂h and the gradients of the latents' own parameters.
void BackwardTask::kind_gradient(StepScratch::Worker& w) {
  float* along = scratch_.parallel.data() + first_;
  float* b_enc = scratch_.b_enc_gradient.data() + first_;
  const PairGradients pairs{w.lists, n_, n_groups_, w.df, along, b_enc, input_sums()};
  const PenaltyTerm penalty{o_.penalty, static_cast<float>(o_.sparsity_coeff / static_cast<double>(rows_)),
                            static_cast<float>(o_.tanh_scale)};
  if (o_.activation.selection == Selection::kJumpRelu) {
    jump_relu_gradient(pairs, penalty,
                       {scratch_.kind.theta.data() + first_, static_cast<float>(o_.bandwidth),
                        scratch_.own_gradient[0].data() + first_});
  } else if (gated()) {
    // The gate's reconstruction goes through W_dec as a constant: values of 0 leave its gradient alone.
    w.gate_df.assign(w.df.size(), 0.0f);
    const std::vector<float> nothing(w.df.size(), 0.0f);
    decoder_gradient(w, w.lists, nothing.data(), w.gate_df, scratch_.kind.gate.error.data(), {});
    gated_gradient(pairs,
                   {w.magnitude.data(), w.gate_df.data(), penalty.weight, w.gated.data(),
                    scratch_.own_gradient[0].data() + first_, scratch_.own_gradient[1].data() + first_});
  } else {
    relu_gradient(pairs, penalty);
  }
  if (scratch_.has_aux)
    relu_gradient({w.aux, n_, n_groups_, w.aux_df, along, b_enc, input_sums()}, PenaltyTerm{});
}

/// Rows of any length: the projection divides by ‖w‖².
void BackwardTask::divide_by_norms() {
  if (s_.normalized) return;
  for (int64_t j = first_; j < first_ + n_; ++j) {
    const float norm = s_.norm[static_cast<size_t>(j)];
    if (norm > 0) scratch_.parallel[static_cast<size_t>(j)] /= norm * norm;
  }
}

/// ∂L/∂W_enc[:, j] = Σ_rows ∂L/∂f (x − b_dec), or x where the encoder sees that.
void BackwardTask::encoder_gradient(const LatentLists& lists, const std::vector<float>& df) {
  const auto kernel = SAEV_PICK(s_.level, gather_rows);
  const int64_t width = l_.slice_width;
  for (int64_t s = 0; s < l_.n_slices; ++s) {
    for (int64_t g = 0; g < n_groups_; ++g) {
      const float* x = scratch_.centred.data() + (s * rows_ + g * group_rows_) * width;
      const int64_t next = next_rows(g);
      kernel({x, width, lists.ptr.data() + g * n_, n_, lists.row.data(), df.data(), encoder_ + s * n_ * width,
              next ? x + group_rows_ * width : nullptr, next * width, b_.backward_look_ahead});
    }
  }
}

void BackwardTask::export_gradients() {
  const int64_t width = l_.slice_width;
  for (int64_t j = 0; j < n_ && first_ + j < l_.d_sae; ++j) {
    for (int64_t k = 0; k < l_.d_vit; ++k) {
      const int64_t at = (k / width * n_ + j) * width + k % width;
      const float raw = decoder_[at];
      const float weight =
          s_.w_dec[static_cast<size_t>(k / width * l_.slice_stride() + (first_ + j) * width + k % width)];
      const auto row = static_cast<size_t>((first_ + j) * l_.d_vit + k);
      out_->raw_w_dec[row] = raw;
      out_->grads.w_dec[row] =
          o_.remove_parallel_grads ? raw - scratch_.parallel[static_cast<size_t>(first_ + j)] * weight : raw;
      out_->grads.w_enc[static_cast<size_t>(k * l_.d_sae + first_ + j)] = encoder_[at];
    }
  }
}

}  // namespace saev

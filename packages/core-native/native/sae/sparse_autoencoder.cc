#include "sae/sparse_autoencoder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/cpu/gather_rows.h"
#include "sae/active_lists.h"
#include "sae/encode.h"

namespace saev {
namespace {

constexpr int64_t kSegment = 256;

std::atomic<uint64_t> autoencoders{0};

}  // namespace

SparseAutoencoder::SparseAutoencoder(const Params& p, EncoderInput input, const Activation& activation)
    : number_(++autoencoders),
      level_(active_level()),
      layout_(p.d_vit, p.d_sae, level_),
      input_(input),
      activation_(activation),
      w_enc_(static_cast<size_t>(layout_.encoder_size())),
      b_enc_(static_cast<size_t>(layout_.padded_sae())),
      w_dec_(static_cast<size_t>(layout_.decoder_size())),
      b_dec_(static_cast<size_t>(layout_.padded_vit())) {
  check_params(p);
  check_activation(activation, p.d_sae);
  check_kind(activation.selection, p);
  threshold_ = p.threshold;
  r_mag_ = p.r_mag;
  b_mag_ = p.b_mag;
  if (!threshold_.empty()) {
    bias_ = AlignedArray<float>(b_enc_.size());
    for (size_t j = 0; j < threshold_.size(); ++j) bias_[j] = p.b_enc[j] - threshold_[j];
  }
  for (size_t j = 0; j < r_mag_.size(); ++j) gated_.push_back({std::exp(r_mag_[j]), p.b_enc[j], b_mag_[j]});
  layout_.pack_encoder(p.w_enc.data(), w_enc_.data());
  layout_.pack_decoder(p.w_dec.data(), w_dec_.data());
  std::copy(p.b_enc.begin(), p.b_enc.end(), b_enc_.data());
  std::copy(p.b_dec.begin(), p.b_dec.end(), b_dec_.data());
}

/// Has products of 8-bit numbers say which ones float32 must make, where that is expected to be faster.
bool SparseAutoencoder::screen(EncodeInput& in, EncodeState& state) const {
  if (!EncoderScreen::possible(level_, layout_) || !state.choice.next(state.density)) return false;
  if (state.screens != number_) {
    start_screen(level_, layout_, in, state.scratch);
    state.screens = number_;
  } else {
    for (auto& t : state.scratch.threads) t.candidates = 0;
    in.screen = &state.scratch.screen;
  }
  return true;
}

/// W_enc packed for the float32 product, by the first batch that needs it.
const float* SparseAutoencoder::panels(EncodeState& state) const {
  if (state.panels != number_) {
    pack_encoder_panels(level_, layout_, w_enc_.data(), state.scratch.room_for_panels(layout_));
    state.panels = number_;
  }
  return state.scratch.panels.data();
}

void SparseAutoencoder::encode_lists(EncodeInput& in, EncodeState& state) const {
  in.w_enc = w_enc_.data();
  in.b_enc = activation_.selection == Selection::kJumpRelu ? bias_.data() : b_enc_.data();
  in.shift = input_ == EncoderInput::kCentred ? b_dec_.data() : nullptr;
  // The fewest rows that are worth making the copy for.
  constexpr int64_t kWorthACopy = 256;
  const bool screened = (state.screens == number_ || in.rows >= kWorthACopy) && screen(in, state);
  if (!screened) in.panels = panels(state);
  select(in, state);
  const auto pairs = static_cast<double>(in.rows) * static_cast<double>(layout_.padded_sae());
  if (pairs == 0) return;
  if (screened) state.choice.screened(static_cast<double>(screened_candidates(state.scratch)) / pairs);
  state.density = static_cast<double>(state.lists.nnz()) / pairs;
}

void SparseAutoencoder::select(EncodeInput& in, EncodeState& state) const {
  ActiveLists& out = state.lists;
  if (activation_.selection == Selection::kTopK) {
    encode_top_k(level_, layout_, in, kSegment,
                 {activation_.top_k, activation_.relu, nullptr, 0, &state.guess}, state.scratch, state.top_k,
                 out);
    return;
  }
  // A row's latents do not depend on the rows beside it.
  if (activation_.selection == Selection::kBatchTopK)
    in.floor = std::max(0.0f, static_cast<float>(activation_.threshold));
  saev::encode(level_, layout_, in, kSegment, state.scratch, out);
  if (activation_.selection == Selection::kJumpRelu) {
    for_each_entry(out, [&](int64_t j, float& value) { value += threshold_[static_cast<size_t>(j)]; });
  } else if (activation_.selection == Selection::kGated) {
    for_each_entry(out,
                   [&](int64_t j, float& value) { value = gated_[static_cast<size_t>(j)].magnitude(value); });
    parallel_tasks(out.n_blocks, [&](int64_t b, int) {
      filter_block(out, b, [](int64_t, int64_t, float v) { return v > 0; });
    });
  }
}

void SparseAutoencoder::encode(const float* x, int64_t rows, SparseBatch& out, State* kept) const {
  EncodeState own;
  own.density = -1;  // unknown, as for a batch that none follows
  EncodeState& state = kept ? *dynamic_cast<EncodeState*>(kept) : own;
  EncodeInput in;
  in.x = x;
  in.rows = rows;
  encode_lists(in, state);
  to_sparse_batch(state.lists, layout_.d_sae, out);
}

void SparseAutoencoder::decode(const SparseBatch& f, float* x_hat) const {
  if (f.d_sae != d_sae()) {
    throw Error(Code::kShapeMismatch, "this SAE has " + std::to_string(d_sae()) +
                                          " latents, the batch was made by one with " +
                                          std::to_string(f.d_sae));
  }
  for (const int32_t j : f.latent) {
    if (j < 0 || j >= d_sae()) {
      throw Error(Code::kShapeMismatch, "latent " + std::to_string(j) + " does not exist in this SAE");
    }
  }
  // Whatever d_sae is, an index must fit in 16 bits: rows are handed over in segments of 65536 latents.
  const auto gather = SAEV_PICK(level_, gather_rows);
  constexpr int64_t kReach = 65536;
  const int64_t width = layout_.slice_width, vit = layout_.d_vit;
  parallel_tasks((f.rows + kRowBlock - 1) / kRowBlock, [&](int64_t block, int) {
    const int64_t first = block * kRowBlock, n = std::min(kRowBlock, f.rows - first);
    AlignedArray<float> buffer(static_cast<size_t>(width));
    std::vector<uint16_t> index;
    for (int64_t r = first; r < first + n; ++r) {
      const int64_t begin = f.row_start[static_cast<size_t>(r)],
                    end = f.row_start[static_cast<size_t>(r) + 1];
      index.assign(static_cast<size_t>(end - begin) + 32, 0);
      for (int64_t q = begin; q < end; ++q) {
        index[static_cast<size_t>(q - begin)] =
            static_cast<uint16_t>(f.latent[static_cast<size_t>(q)] % kReach);
      }
      for (int64_t s = 0; s < layout_.n_slices; ++s) {
        const int64_t columns = std::min(width, vit - s * width);
        if (columns <= 0) break;
        std::fill_n(buffer.data(), width, 0.0f);
        for (int64_t a = begin; a < end;) {
          const int64_t reach = f.latent[static_cast<size_t>(a)] / kReach;
          int64_t b = a;
          while (b < end && f.latent[static_cast<size_t>(b)] / kReach == reach) ++b;
          const int32_t ptr[2] = {0, static_cast<int32_t>(b - a)};
          gather({w_dec_.data() + s * layout_.slice_stride() + reach * kReach * width, width, ptr, 1,
                  index.data() + (a - begin), f.value.data() + a, buffer.data(), nullptr, 0, false});
          a = b;
        }
        float* out = x_hat + r * vit + s * width;
        for (int64_t k = 0; k < columns; ++k)
          out[k] = buffer[static_cast<size_t>(k)] + b_dec_[static_cast<size_t>(s * width + k)];
      }
    }
  });
}

ForwardError SparseAutoencoder::error(const float* x, int64_t rows, Scratch& scratch, const Job* job) const {
  const auto size = static_cast<size_t>(rows * layout_.padded_vit());
  if (scratch.residual.size() < size) {
    scratch.residual = AlignedArray<float>(size);
    scratch.gradient = AlignedArray<float>(size);
  }
  if (scratch.column_sums.size() == 0)
    scratch.column_sums = AlignedArray<float>(static_cast<size_t>(layout_.padded_vit()));
  EncodeInput in;
  in.x = x;
  in.rows = rows;
  in.slice_shift = b_dec_.data();
  in.slices = scratch.residual.data();
  in.job = job;
  encode_lists(in, scratch.encode);
  DecodeTarget target;
  target.start = scratch.residual.data();
  return decode_error(level_, layout_, w_dec_.data(), scratch.encode.lists, target, {}, 1,
                      scratch.gradient.data(), scratch.column_sums.data(), {false, true, job},
                      scratch.decode);
}

ForwardError SparseAutoencoder::prefix_error(int64_t length, ActiveLists& lists, Scratch& scratch,
                                             const Job* job) const {
  parallel_tasks(lists.n_blocks, [&](int64_t b, int) {
    filter_block(lists, b, [&](int64_t, int64_t latent, float) { return latent < length; });
  });
  DecodeTarget target;
  target.start = scratch.residual.data();
  return decode_error(level_, layout_, w_dec_.data(), lists, target, {}, 1, scratch.gradient.data(),
                      scratch.column_sums.data(), {false, true, job}, scratch.decode);
}

Params SparseAutoencoder::params() const {
  Params p(d_vit(), d_sae());
  layout_.unpack_encoder(w_enc_.data(), p.w_enc.data());
  layout_.unpack_decoder(w_dec_.data(), p.w_dec.data());
  std::copy_n(b_enc_.data(), d_sae(), p.b_enc.data());
  std::copy_n(b_dec_.data(), d_vit(), p.b_dec.data());
  p.threshold = threshold_;
  p.r_mag = r_mag_;
  p.b_mag = b_mag_;
  return p;
}

void to_sparse_batch(const ActiveLists& lists, int64_t d_sae, SparseBatch& out) {
  out.rows = lists.rows;
  out.d_sae = d_sae;
  out.row_start.resize(static_cast<size_t>(lists.rows) + 1);
  const int64_t nnz = lists.nnz();
  out.latent.resize(static_cast<size_t>(nnz));
  out.value.resize(static_cast<size_t>(nnz));
  int64_t at = 0;
  for (int64_t r = 0; r < lists.rows; ++r) {
    const int64_t block = r / kRowBlock, row = r % kRowBlock;
    const BlockLists& entries = lists.blocks[static_cast<size_t>(block)];
    out.row_start[static_cast<size_t>(r)] = at;
    for (int64_t s = 0; s < lists.n_segments; ++s) {
      const int32_t* ptr = lists.ptr(block, s);
      for (int32_t q = ptr[row]; q < ptr[row + 1]; ++q, ++at) {
        out.latent[static_cast<size_t>(at)] = static_cast<int32_t>(s * lists.segment + entries.index()[q]);
        out.value[static_cast<size_t>(at)] = entries.value()[q];
      }
    }
  }
  out.row_start[static_cast<size_t>(lists.rows)] = at;
}

}  // namespace saev

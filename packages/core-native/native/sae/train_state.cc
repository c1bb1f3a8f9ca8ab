#include "sae/train_state.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"

namespace saev {
namespace {

AlignedArray<float> zeros(int64_t n) {
  return AlignedArray<float>(static_cast<size_t>(n));
}

}  // namespace

TrainState::TrainState(const Params& p, bool normalize_w_dec, Level at, Optimiser by)
    : optimiser(by), level(at), layout(p.d_vit, p.d_sae, at), normalized(normalize_w_dec) {
  check_params(p);
  w_enc = zeros(layout.encoder_size());
  w_dec = zeros(layout.decoder_size());
  for (auto* a : {&b_enc, &m_b_enc, &v_b_enc}) *a = zeros(layout.padded_sae());
  for (auto* a : {&b_dec, &m_b_dec, &v_b_dec}) *a = zeros(layout.padded_vit());
  std::copy(p.b_enc.begin(), p.b_enc.end(), b_enc.data());
  std::copy(p.b_dec.begin(), p.b_dec.end(), b_dec.data());
  layout.pack_encoder(p.w_enc.data(), w_enc.data());
  since_active.assign(static_cast<size_t>(p.d_sae), 0);
  norm.assign(static_cast<size_t>(layout.padded_sae()), 0);
  std::vector<float> rows = p.w_dec;
  for (int64_t j = 0; j < p.d_sae; ++j) {
    float* row = rows.data() + j * p.d_vit;
    double squares = 0;
    for (int64_t k = 0; k < p.d_vit; ++k) squares += static_cast<double>(row[k]) * row[k];
    norm[static_cast<size_t>(j)] = static_cast<float>(std::sqrt(squares));
    if (!normalized || !(norm[static_cast<size_t>(j)] > 0)) continue;
    for (int64_t k = 0; k < p.d_vit; ++k) row[k] /= norm[static_cast<size_t>(j)];
  }
  layout.pack_decoder(rows.data(), w_dec.data());
  const auto add = [&](const std::vector<float>& values, const char* name, const char* m, const char* v) {
    if (values.empty()) return;
    const int64_t n = layout.padded_sae();
    own.push_back({name, m, v, zeros(n), zeros(n), zeros(n)});
    std::copy(values.begin(), values.end(), own.back().w.data());
  };
  std::vector<float> log_threshold(p.threshold.size());
  for (size_t j = 0; j < p.threshold.size(); ++j) {
    if (!(p.threshold[j] > 0)) {
      throw Error(Code::kInvalidArgument, "threshold: expected values above 0 to train from, found " +
                                              std::to_string(p.threshold[j]) + " for latent " +
                                              std::to_string(j));
    }
    log_threshold[j] = std::log(p.threshold[j]);
  }
  add(log_threshold, "log_threshold", "log_threshold.adam_m", "log_threshold.adam_v");
  add(p.r_mag, "r_mag", "r_mag.adam_m", "r_mag.adam_v");
  add(p.b_mag, "b_mag", "b_mag.adam_m", "b_mag.adam_v");
}

Params TrainState::params() const {
  Params p(layout.d_vit, layout.d_sae);
  layout.unpack_encoder(w_enc.data(), p.w_enc.data());
  layout.unpack_decoder(w_dec.data(), p.w_dec.data());
  std::copy_n(b_enc.data(), p.d_sae, p.b_enc.data());
  std::copy_n(b_dec.data(), p.d_vit, p.b_dec.data());
  const auto values = [&](size_t i) {
    return std::vector<float>(own[i].w.data(), own[i].w.data() + p.d_sae);
  };
  if (own.size() == 1) {
    p.threshold = values(0);
    for (float& theta : p.threshold) theta = std::exp(theta);
  } else if (own.size() == 2) {
    p.r_mag = values(0);
    p.b_mag = values(1);
  }
  if (!normalized) return p;
  for (int64_t j = 0; j < p.d_sae; ++j) {
    const float n = norm[static_cast<size_t>(j)];
    for (int64_t k = 0; k < p.d_vit; ++k) p.w_dec[static_cast<size_t>(j * p.d_vit + k)] *= n;
  }
  return p;
}

std::vector<StateItem> TrainState::items() {
  using Form = StateItem::Form;
  add_moments();
  std::vector<StateItem> out = {
      {"W_enc", Form::kEncoder, w_enc.data()},
      {"W_dec", Form::kDecoder, w_dec.data()},
      {"W_dec.norm", Form::kLatents, norm.data()},
      {"b_enc", Form::kLatents, b_enc.data()},
      {"b_enc.adam_m", Form::kLatents, m_b_enc.data()},
      {"b_enc.adam_v", Form::kLatents, v_b_enc.data()},
      {"b_dec", Form::kDims, b_dec.data()},
      {"b_dec.adam_m", Form::kDims, m_b_dec.data()},
      {"b_dec.adam_v", Form::kDims, v_b_dec.data()},
      {"since_active", Form::kCounts, since_active.data()},
      {"updates", Form::kCount, &t},
      {"threshold", Form::kFloat, &threshold},
      {"density", Form::kDouble, &density},
  };
  if (optimiser == Optimiser::kAdam) {
    out.push_back({"W_enc.adam_m", Form::kEncoder, m_w_enc.data()});
    out.push_back({"W_enc.adam_v", Form::kEncoder, v_w_enc.data()});
    out.push_back({"W_dec.adam_m", Form::kDecoder, m_w_dec.data()});
    out.push_back({"W_dec.adam_v", Form::kDecoder, v_w_dec.data()});
  } else {
    out.push_back({"W_enc.momentum", Form::kEncoder, m_w_enc.data()});
    out.push_back({"W_dec.momentum", Form::kDecoder, m_w_dec.data()});
  }
  for (LatentParameter& p : own) {
    out.push_back({p.name, Form::kLatents, p.w.data()});
    out.push_back({p.m_name, Form::kLatents, p.m.data()});
    out.push_back({p.v_name, Form::kLatents, p.v.data()});
  }
  return out;
}

bool TrainState::finite() const {
  for (const auto* a : {&w_enc, &w_dec, &b_enc, &b_dec}) {
    if (!std::all_of(a->data(), a->data() + a->size(), [](float w) { return std::isfinite(w); }))
      return false;
  }
  for (const LatentParameter& p : own) {
    if (!std::all_of(p.w.data(), p.w.data() + p.w.size(), [](float w) { return std::isfinite(w); }))
      return false;
  }
  return std::all_of(norm.begin(), norm.end(), [](float n) { return std::isfinite(n); });
}

void TrainState::add_moments() {
  if (m_w_enc.size() > 0) return;
  m_w_enc = zeros(layout.encoder_size());
  m_w_dec = zeros(layout.decoder_size());
  if (optimiser != Optimiser::kAdam) return;
  v_w_enc = zeros(layout.encoder_size());
  v_w_dec = zeros(layout.decoder_size());
}

void TrainState::free_moments() {
  for (auto* a : {&m_w_enc, &v_w_enc, &m_w_dec, &v_w_dec}) *a = {};
}

}  // namespace saev

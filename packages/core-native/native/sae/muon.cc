#include "sae/muon.h"

#include <algorithm>
#include <cmath>

#include "sae/newton_schulz.h"

namespace saev {
namespace {

constexpr float kMomentum = 0.95f;

/// momentum ← μ momentum + g; returns g + μ momentum, orthogonal.
std::vector<float> direction(std::vector<float>& momentum, const std::vector<float>& g, int64_t rows,
                             int64_t columns) {
  std::vector<float> u(g.size());
  for (size_t i = 0; i < g.size(); ++i) {
    momentum[i] = kMomentum * momentum[i] + g[i];
    u[i] = g[i] + kMomentum * momentum[i];
  }
  newton_schulz(u.data(), rows, columns);
  return u;
}

void move(std::vector<float>& w, const std::vector<float>& direction, double lr, double weight_decay,
          int64_t rows, int64_t columns) {
  const auto keep = static_cast<float>(1 - lr * weight_decay),
             step = static_cast<float>(lr * 0.2 * std::sqrt(static_cast<double>(std::max(rows, columns))));
  for (size_t i = 0; i < w.size(); ++i) w[i] = keep * w[i] - step * direction[i];
}

}  // namespace

void muon_update(TrainState& s, const Params& g, double lr, double weight_decay) {
  const Layout& l = s.layout;
  const int64_t d_vit = l.d_vit, d_sae = l.d_sae;
  std::vector<float> w(g.w_enc.size()), momentum(g.w_enc.size());
  l.unpack_encoder(s.m_w_enc.data(), momentum.data());
  l.unpack_encoder(s.w_enc.data(), w.data());
  move(w, direction(momentum, g.w_enc, d_vit, d_sae), lr, weight_decay, d_vit, d_sae);
  l.pack_encoder(momentum.data(), s.m_w_enc.data());
  l.pack_encoder(w.data(), s.w_enc.data());

  l.unpack_decoder(s.m_w_dec.data(), momentum.data());
  l.unpack_decoder(s.w_dec.data(), w.data());
  move(w, direction(momentum, g.w_dec, d_sae, d_vit), lr, weight_decay, d_sae, d_vit);
  for (int64_t j = 0; j < d_sae; ++j) {
    float* row = w.data() + j * d_vit;
    double squares = 0;
    for (int64_t k = 0; k < d_vit; ++k) squares += static_cast<double>(row[k]) * row[k];
    const double norm = std::sqrt(squares);
    s.norm[static_cast<size_t>(j)] = static_cast<float>(norm);
    if (!s.normalized || !(norm > 0)) continue;
    for (int64_t k = 0; k < d_vit; ++k) row[k] = static_cast<float>(row[k] / norm);
  }
  l.pack_decoder(momentum.data(), s.m_w_dec.data());
  l.pack_decoder(w.data(), s.w_dec.data());
}

}  // namespace saev

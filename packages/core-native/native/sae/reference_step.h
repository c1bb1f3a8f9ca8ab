#pragma once
// One training step of an SAE of any kind, written as the formulas are: what every fast step is compared
// with. T is float, or double for checking gradients by finite differences.
//
//   h = (x − b_dec) W_enc + b_enc, or x W_enc + b_enc;  f = what the activation keeps of h
//   x̂_j = Σ_{i < m_j} f_i W_dec[i] + b_dec for each prefix m_j
//   L = mean over prefixes, rows and columns of (x̂_j − x)² + sparsity_coeff · mean over rows of Σ |f|
//       + alpha · mean over rows and columns of (Σ_{dead} a_i W_dec[i] (+ b_dec) − (x − x̂))², x − x̂ constant
//       + of gated, mean over rows and columns of (Σ relu(h_i) W_dec[i] + b_dec − x)², W_dec and b_dec
//       constant
//
// What a derivative treats as a constant is given apart (`frozen`), and so is the θ about which a jump-relu's
// step is replaced by a ramp of width ε: then the loss has the very gradient that is trained with, and finite
// differences can find it.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "sae/activation.h"
#include "sae/aux_k.h"
#include "sae/params.h"
#include "sae/penalty.h"

namespace saev {

template <typename T>
struct ReferenceOptions {
  T sparsity_coeff = 0;
  EncoderInput input = EncoderInput::kCentred;
  Activation activation;
  std::vector<int64_t> prefixes;  ///< empty: d_sae alone
  std::vector<int32_t> dead;
  AuxK aux;
  std::vector<T> residual;  ///< [rows, d_vit] x − x̂ for the auxiliary loss; empty: this forward pass's
  Penalty penalty = Penalty::kL1;
  T tanh_scale = 4, bandwidth = 0;
  const PlainParams<T>* frozen = nullptr;  ///< W_dec, b_dec and θ where they are constants; null: p's

  ReferenceOptions(T coeff) : sparsity_coeff(coeff) {}  // NOLINT: the plain case
};

template <typename T>
struct ReferenceForward {
  T loss = 0, mse = 0, l0 = 0, l1 = 0, sparsity = 0, aux = 0;
  std::vector<T> f;         ///< [rows, d_sae]
  std::vector<uint8_t> on;  ///< [rows, d_sae] whether f passes gradient to h
  std::vector<T> x_hat;     ///< [prefixes][rows, d_vit]
  std::vector<T> a;         ///< [rows, d_sae] auxiliary latents
  std::vector<uint8_t> a_on;
  std::vector<T> aux_error;   ///< [rows, d_vit]
  std::vector<T> h;           ///< [rows, d_sae]
  std::vector<T> gate_error;  ///< [rows, d_vit]
};

/// Marks the `k` largest of `values` among `candidates`; of equal ones the first.
template <typename T>
void reference_top_k(const T* values, std::vector<int64_t> candidates, int64_t k, uint8_t* on) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](int64_t a, int64_t b) { return values[a] > values[b]; });
  for (size_t i = 0; i < candidates.size() && static_cast<int64_t>(i) < k; ++i) on[candidates[i]] = 1;
}

template <typename T>
ReferenceForward<T> reference_forward(const PlainParams<T>& p, const T* x, int64_t rows,
                                      const ReferenceOptions<T>& o) {
  const int64_t vit = p.d_vit, sae = p.d_sae;
  const std::vector<int64_t> prefixes = o.prefixes.empty() ? std::vector<int64_t>{sae} : o.prefixes;
  const auto n = static_cast<int64_t>(prefixes.size());
  ReferenceForward<T> out;
  std::vector<T> h(static_cast<size_t>(rows * sae));
  out.f.resize(h.size());
  out.on.resize(h.size());
  out.a.resize(h.size());
  out.a_on.resize(h.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < sae; ++j) {
      T sum = p.b_enc[j];
      for (int64_t k = 0; k < vit; ++k) {
        const T seen = x[r * vit + k] - (o.input == EncoderInput::kCentred ? p.b_dec[k] : 0);
        sum += seen * p.w_enc[k * sae + j];
      }
      h[r * sae + j] = sum;
    }
  }
  std::vector<int64_t> all(static_cast<size_t>(sae));
  std::iota(all.begin(), all.end(), 0);
  const PlainParams<T>& frozen = o.frozen ? *o.frozen : p;
  T count = 0;  // of active latents, differentiable in θ
  if (o.activation.selection == Selection::kJumpRelu) {
    const auto ramp = [&](T u) { return std::clamp<T>(u / o.bandwidth + T(0.5), 0, 1); };
    for (size_t i = 0; i < h.size(); ++i) {
      const auto j = i % static_cast<size_t>(sae);
      const T theta = frozen.threshold[j], moved = ramp(h[i] - p.threshold[j]) - ramp(h[i] - theta);
      out.on[i] = h[i] > theta;
      out.f[i] = (out.on[i] ? h[i] : 0) + theta * moved;
      count += (out.on[i] ? 1 : 0) + moved;
    }
  } else if (o.activation.selection == Selection::kGated) {
    for (size_t i = 0; i < h.size(); ++i) {
      const auto j = i % static_cast<size_t>(sae);
      const T m = std::exp(p.r_mag[j]) * (h[i] - p.b_enc[j]) + p.b_mag[j];
      out.on[i] = h[i] > 0 && m > 0;
      out.f[i] = out.on[i] ? m : 0;
    }
  } else if (o.activation.selection == Selection::kRelu) {
    std::fill(out.on.begin(), out.on.end(), 1);
  } else if (o.activation.selection == Selection::kTopK) {
    for (int64_t r = 0; r < rows; ++r)
      reference_top_k(h.data() + r * sae, all, o.activation.top_k, out.on.data() + r * sae);
  } else {
    std::vector<int64_t> batch(h.size());
    std::iota(batch.begin(), batch.end(), 0);
    reference_top_k(h.data(), batch, o.activation.top_k * rows, out.on.data());
  }
  const bool own_f =
      o.activation.selection == Selection::kJumpRelu || o.activation.selection == Selection::kGated;
  T penalty = 0;
  for (size_t i = 0; i < h.size(); ++i) {
    if (!own_f) {
      if (o.activation.relu && !(h[i] > 0)) out.on[i] = 0;
      out.f[i] = out.on[i] ? h[i] : 0;
    }
    penalty += o.penalty == Penalty::kTanh                   ? std::tanh(o.tanh_scale * out.f[i])
               : o.activation.selection == Selection::kGated ? std::max<T>(h[i], 0)
                                                             : std::abs(out.f[i]);
    out.l0 += out.f[i] != 0 ? 1 : 0;
    out.l1 += std::abs(out.f[i]);
  }
  out.x_hat.resize(static_cast<size_t>(n * rows * vit));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < vit; ++k) {
        T sum = p.b_dec[k];
        for (int64_t j = 0; j < prefixes[i]; ++j) sum += out.f[r * sae + j] * p.w_dec[j * vit + k];
        out.x_hat[(i * rows + r) * vit + k] = sum;
        const T e = sum - x[r * vit + k];
        out.mse += e * e;
      }
    }
  }
  out.gate_error.assign(static_cast<size_t>(rows * vit), 0);
  T gate = 0;
  if (o.activation.selection == Selection::kGated) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < vit; ++k) {
        T e = frozen.b_dec[k] - x[r * vit + k];
        for (int64_t j = 0; j < sae; ++j) e += std::max<T>(h[r * sae + j], 0) * frozen.w_dec[j * vit + k];
        out.gate_error[r * vit + k] = e;
        gate += e * e;
      }
    }
  }
  out.h = h;
  out.aux_error.assign(static_cast<size_t>(rows * vit), 0);
  const bool published = o.aux.form == AuxForm::kPublished;
  for (int64_t r = 0; r < rows && o.aux.k > 0 && !o.dead.empty(); ++r) {
    reference_top_k(h.data() + r * sae, std::vector<int64_t>(o.dead.begin(), o.dead.end()), o.aux.k,
                    out.a_on.data() + r * sae);
    for (int64_t j = 0; j < sae; ++j) {
      const auto i = static_cast<size_t>(r * sae + j);
      if (published && !(h[i] > 0)) out.a_on[i] = 0;
      out.a[i] = out.a_on[i] ? h[i] : 0;
    }
    for (int64_t k = 0; k < vit; ++k) {
      const int64_t at = r * vit + k;
      T e = published ? 0 : p.b_dec[k];
      e -= o.residual.empty() ? x[at] - out.x_hat[(n - 1) * rows * vit + at] : o.residual[at];
      for (int64_t j = 0; j < sae; ++j) e += out.a[r * sae + j] * p.w_dec[j * vit + k];
      out.aux_error[at] = e;
      out.aux += e * e;
    }
  }
  out.mse /= static_cast<T>(n * rows * vit);
  out.aux *= static_cast<T>(o.aux.alpha) / static_cast<T>(rows * vit);
  out.aux += gate / static_cast<T>(rows * vit);
  out.l0 /= static_cast<T>(rows);
  out.l1 /= static_cast<T>(rows);
  out.sparsity = o.sparsity_coeff * (o.penalty == Penalty::kL0 ? count : penalty) / static_cast<T>(rows);
  out.loss = out.mse + out.sparsity + out.aux;
  return out;
}

/// ∂L/∂parameters (`threshold`: ∂L/∂θ, not of its logarithm), with the parts of W_dec's gradient that are
/// parallel to its rows still in it.
template <typename T>
PlainParams<T> reference_gradient(const PlainParams<T>& p, const T* x, int64_t rows,
                                  const ReferenceOptions<T>& o, const ReferenceForward<T>& forward) {
  const int64_t vit = p.d_vit, sae = p.d_sae;
  const std::vector<int64_t> prefixes = o.prefixes.empty() ? std::vector<int64_t>{sae} : o.prefixes;
  const auto n = static_cast<int64_t>(prefixes.size());
  const bool centred = o.input == EncoderInput::kCentred;
  PlainParams<T> g(vit, sae);
  g.threshold.resize(p.threshold.size());
  g.r_mag.resize(p.r_mag.size());
  g.b_mag.resize(p.b_mag.size());
  const bool jump = o.activation.selection == Selection::kJumpRelu,
             gated = o.activation.selection == Selection::kGated;
  const auto per_row = o.sparsity_coeff / static_cast<T>(rows);
  std::vector<T> e(static_cast<size_t>(vit));
  // What a latent hands on to W_enc and, through the encoder, to b_dec: ∂L/∂((x − b_dec) W_enc).
  const auto to_encoder = [&](int64_t r, int64_t j, T df) {
    for (int64_t k = 0; k < vit; ++k) {
      g.w_enc[k * sae + j] += df * (x[r * vit + k] - (centred ? p.b_dec[k] : 0));
      if (centred) g.b_dec[k] -= df * p.w_enc[k * sae + j];
    }
  };
  // One latent's value f with ∂L/∂reconstruction e and, beside that, ∂L/∂f.
  const auto back = [&](int64_t r, int64_t j, T f, T df) {
    for (int64_t k = 0; k < vit; ++k) {
      df += e[k] * p.w_dec[j * vit + k];
      g.w_dec[j * vit + k] += f * e[k];
    }
    const T h = forward.h[r * sae + j];
    if (jump) {
      const T u = (h - p.threshold[j]) / o.bandwidth;
      if (std::abs(u) < T(0.5)) g.threshold[j] -= p.threshold[j] / o.bandwidth * df;
      if (!forward.on[r * sae + j]) return;
    } else if (gated) {
      const T scale = std::exp(p.r_mag[j]);
      g.b_mag[j] += df;
      g.r_mag[j] += df * scale * (h - p.b_enc[j]);
      to_encoder(r, j, df * scale);
      return;
    }
    g.b_enc[j] += df;
    to_encoder(r, j, df);
  };
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t k = 0; k < vit; ++k) {
        e[k] =
            2 * (forward.x_hat[(i * rows + r) * vit + k] - x[r * vit + k]) / static_cast<T>(n * rows * vit);
        g.b_dec[k] += e[k];
      }
      for (int64_t j = 0; j < prefixes[i]; ++j) {
        const T f = forward.f[r * sae + j];
        const bool near = jump && std::abs(forward.h[r * sae + j] - p.threshold[j]) < o.bandwidth / 2;
        if (!forward.on[r * sae + j] && !near) continue;
        T penalty = (f > 0 ? 1 : -1) * per_row;
        if (o.penalty == Penalty::kTanh) {
          const T t = std::tanh(o.tanh_scale * f);
          penalty = per_row * o.tanh_scale * (1 - t * t);
        }
        if (o.penalty == Penalty::kL0 || gated) penalty = 0;
        if (o.penalty == Penalty::kL0 && near && i == n - 1) g.threshold[j] -= per_row / o.bandwidth;
        back(r, j, f, i == n - 1 ? penalty : 0);
      }
    }
    for (int64_t j = 0; gated && j < sae; ++j) {
      if (!(forward.h[r * sae + j] > 0)) continue;
      T dh = per_row;
      for (int64_t k = 0; k < vit; ++k)
        dh += 2 * forward.gate_error[r * vit + k] / static_cast<T>(rows * vit) * p.w_dec[j * vit + k];
      g.b_enc[j] += dh;
      to_encoder(r, j, dh);
    }
    if (o.aux.k < 1 || o.dead.empty()) continue;
    for (int64_t k = 0; k < vit; ++k) {
      e[k] = 2 * static_cast<T>(o.aux.alpha) * forward.aux_error[r * vit + k] / static_cast<T>(rows * vit);
      if (o.aux.form == AuxForm::kPythonPackage) g.b_dec[k] += e[k];
    }
    for (int64_t j = 0; j < sae; ++j) {
      if (!forward.a_on[r * sae + j]) continue;
      T da = 0;
      for (int64_t k = 0; k < vit; ++k) {
        da += e[k] * p.w_dec[j * vit + k];
        g.w_dec[j * vit + k] += forward.a[r * sae + j] * e[k];
      }
      g.b_enc[j] += da;
      to_encoder(r, j, da);
    }
  }
  return g;
}

}  // namespace saev

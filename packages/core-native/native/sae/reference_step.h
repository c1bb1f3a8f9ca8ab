#pragma once
// One training step of an SAE of any kind, written as the formulas are: what every fast step is compared
// with. T is float, or double for checking gradients by finite differences.
//
//   h = (x − b_dec) W_enc + b_enc, or x W_enc + b_enc;  f = what the activation keeps of h
//   x̂_j = Σ_{i < m_j} f_i W_dec[i] + b_dec for each prefix m_j
//   L = mean over prefixes, rows and columns of (x̂_j − x)² + sparsity_coeff · mean over rows of Σ |f|
//       + alpha · mean over rows and columns of (Σ_{dead} a_i W_dec[i] (+ b_dec) − (x − x̂))², x − x̂ constant

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "sae/activation.h"
#include "sae/aux_k.h"
#include "sae/params.h"

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
  std::vector<T> aux_error;  ///< [rows, d_vit]
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
  if (o.activation.selection == Selection::kRelu) {
    std::fill(out.on.begin(), out.on.end(), 1);
  } else if (o.activation.selection == Selection::kTopK) {
    for (int64_t r = 0; r < rows; ++r)
      reference_top_k(h.data() + r * sae, all, o.activation.top_k, out.on.data() + r * sae);
  } else {
    std::vector<int64_t> batch(h.size());
    std::iota(batch.begin(), batch.end(), 0);
    reference_top_k(h.data(), batch, o.activation.top_k * rows, out.on.data());
  }
  for (size_t i = 0; i < h.size(); ++i) {
    if (o.activation.relu && !(h[i] > 0)) out.on[i] = 0;
    out.f[i] = out.on[i] ? h[i] : 0;
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
  out.l0 /= static_cast<T>(rows);
  out.l1 /= static_cast<T>(rows);
  out.sparsity = o.sparsity_coeff * out.l1;
  out.loss = out.mse + out.sparsity + out.aux;
  return out;
}

/// ∂L/∂parameters, with the parts of W_dec's gradient that are parallel to its rows still in it.
template <typename T>
PlainParams<T> reference_gradient(const PlainParams<T>& p, const T* x, int64_t rows,
                                  const ReferenceOptions<T>& o, const ReferenceForward<T>& forward) {
  const int64_t vit = p.d_vit, sae = p.d_sae;
  const std::vector<int64_t> prefixes = o.prefixes.empty() ? std::vector<int64_t>{sae} : o.prefixes;
  const auto n = static_cast<int64_t>(prefixes.size());
  const bool centred = o.input == EncoderInput::kCentred;
  PlainParams<T> g(vit, sae);
  std::vector<T> e(static_cast<size_t>(vit));
  // One latent's value f with ∂L/∂reconstruction e and, beside that, ∂L/∂f.
  const auto back = [&](int64_t r, int64_t j, T f, T df) {
    for (int64_t k = 0; k < vit; ++k) {
      df += e[k] * p.w_dec[j * vit + k];
      g.w_dec[j * vit + k] += f * e[k];
    }
    g.b_enc[j] += df;
    for (int64_t k = 0; k < vit; ++k) {
      g.w_enc[k * sae + j] += df * (x[r * vit + k] - (centred ? p.b_dec[k] : 0));
      if (centred) g.b_dec[k] -= df * p.w_enc[k * sae + j];
    }
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
        if (!forward.on[r * sae + j]) continue;
        const T penalty = (f > 0 ? 1 : -1) * o.sparsity_coeff / static_cast<T>(rows);
        back(r, j, f, i == n - 1 ? penalty : 0);
      }
    }
    if (o.aux.k < 1 || o.dead.empty()) continue;
    for (int64_t k = 0; k < vit; ++k) {
      e[k] = 2 * static_cast<T>(o.aux.alpha) * forward.aux_error[r * vit + k] / static_cast<T>(rows * vit);
      if (o.aux.form == AuxForm::kPythonPackage) g.b_dec[k] += e[k];
    }
    for (int64_t j = 0; j < sae; ++j) {
      if (forward.a_on[r * sae + j]) back(r, j, forward.a[r * sae + j], 0);
    }
  }
  return g;
}

/// Norm of all gradients; scales them by min(1, clip / (norm + 1e-6)).
template <typename T>
T reference_clip(PlainParams<T>& g, T clip) {
  T squares = 0;
  for (const auto* v : {&g.w_enc, &g.b_enc, &g.w_dec, &g.b_dec}) {
    for (const T e : *v) squares += e * e;
  }
  const T norm = std::sqrt(squares), factor = std::min<T>(1, clip / (norm + static_cast<T>(1e-6)));
  for (auto* v : {&g.w_enc, &g.b_enc, &g.w_dec, &g.b_dec}) {
    for (T& e : *v) e *= factor;
  }
  return norm;
}

/// g_j ← g_j − (g_j · w_j) w_j / ‖w_j‖² for each row of W_dec.
template <typename T>
void reference_remove_parallel(const PlainParams<T>& p, PlainParams<T>& g) {
  for (int64_t j = 0; j < p.d_sae; ++j) {
    T dot = 0, squares = 0;
    for (int64_t k = 0; k < p.d_vit; ++k) {
      dot += g.w_dec[j * p.d_vit + k] * p.w_dec[j * p.d_vit + k];
      squares += p.w_dec[j * p.d_vit + k] * p.w_dec[j * p.d_vit + k];
    }
    if (!(squares > 0)) continue;
    for (int64_t k = 0; k < p.d_vit; ++k)
      g.w_dec[j * p.d_vit + k] -= dot / squares * p.w_dec[j * p.d_vit + k];
  }
}

/// Rows of W_dec to unit norm; a row of zeros stays.
template <typename T>
void reference_normalize(PlainParams<T>& p) {
  for (int64_t j = 0; j < p.d_sae; ++j) {
    T squares = 0;
    for (int64_t k = 0; k < p.d_vit; ++k) squares += p.w_dec[j * p.d_vit + k] * p.w_dec[j * p.d_vit + k];
    if (!(squares > 0)) continue;
    for (int64_t k = 0; k < p.d_vit; ++k) p.w_dec[j * p.d_vit + k] /= std::sqrt(squares);
  }
}

/// Adam's state for all parameters, and one update at step t ≥ 1.
template <typename T>
struct ReferenceAdam {
  PlainParams<T> m, v;
  int64_t t = 0;

  explicit ReferenceAdam(const PlainParams<T>& p) : m(p.d_vit, p.d_sae), v(p.d_vit, p.d_sae) {}

  /// `decay`: decoupled weight decay of the matrices.
  void update(PlainParams<T>& p, const PlainParams<T>& g, T lr, T decay = 0) {
    ++t;
    for (auto* w : {&p.w_enc, &p.w_dec}) {
      for (T& v : *w) v *= 1 - lr * decay;
    }
    one(p.w_enc, g.w_enc, m.w_enc, v.w_enc, lr);
    one(p.b_enc, g.b_enc, m.b_enc, v.b_enc, lr);
    one(p.w_dec, g.w_dec, m.w_dec, v.w_dec, lr);
    one(p.b_dec, g.b_dec, m.b_dec, v.b_dec, lr);
  }

 private:
  void one(std::vector<T>& w, const std::vector<T>& g, std::vector<T>& m1, std::vector<T>& v1, T lr) const {
    const double c1 = 1 - std::pow(0.9, static_cast<double>(t)),
                 c2 = 1 - std::pow(0.999, static_cast<double>(t));
    for (size_t i = 0; i < w.size(); ++i) {
      m1[i] += static_cast<T>(0.1) * (g[i] - m1[i]);
      v1[i] = static_cast<T>(0.999) * v1[i] + static_cast<T>(0.001) * g[i] * g[i];
      w[i] -= static_cast<T>(lr / c1) * m1[i] /
              (std::sqrt(v1[i]) / static_cast<T>(std::sqrt(c2)) + static_cast<T>(1e-8));
    }
  }
};

}  // namespace saev

#pragma once
// One training step of a ReLU SAE with the vanilla objective, written as the formulas are: what every fast
// step is compared with. T is float, or double for checking gradients by finite differences.
//
//   x̂ = relu((x − b_dec) W_enc + b_enc) W_dec + b_dec
//   L = mean over rows and columns of (x̂ − x)² + sparsity_coeff · mean over rows of Σ f

#include <cmath>

#include "sae/params.h"

namespace saev {

template <typename T>
struct ReferenceForward {
  T loss = 0, mse = 0, l0 = 0, l1 = 0, sparsity = 0;
  std::vector<T> f;      ///< [rows, d_sae]
  std::vector<T> x_hat;  ///< [rows, d_vit]
};

template <typename T>
ReferenceForward<T> reference_forward(const PlainParams<T>& p, const T* x, int64_t rows, T sparsity_coeff) {
  const int64_t vit = p.d_vit, sae = p.d_sae;
  ReferenceForward<T> out;
  out.f.resize(static_cast<size_t>(rows * sae));
  out.x_hat.resize(static_cast<size_t>(rows * vit));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < sae; ++j) {
      T h = p.b_enc[j];
      for (int64_t k = 0; k < vit; ++k) h += (x[r * vit + k] - p.b_dec[k]) * p.w_enc[k * sae + j];
      const T f = h > 0 ? h : 0;
      out.f[r * sae + j] = f;
      out.l0 += f > 0 ? 1 : 0;
      out.l1 += f;
    }
    for (int64_t k = 0; k < vit; ++k) {
      T sum = p.b_dec[k];
      for (int64_t j = 0; j < sae; ++j) sum += out.f[r * sae + j] * p.w_dec[j * vit + k];
      out.x_hat[r * vit + k] = sum;
      const T e = sum - x[r * vit + k];
      out.mse += e * e;
    }
  }
  out.mse /= static_cast<T>(rows * vit);
  out.l0 /= static_cast<T>(rows);
  out.l1 /= static_cast<T>(rows);
  out.sparsity = sparsity_coeff * out.l1;
  out.loss = out.mse + out.sparsity;
  return out;
}

/// ∂L/∂parameters, with the parts of W_dec's gradient that are parallel to its rows still in it.
template <typename T>
PlainParams<T> reference_gradient(const PlainParams<T>& p, const T* x, int64_t rows, T sparsity_coeff,
                                  const ReferenceForward<T>& forward) {
  const int64_t vit = p.d_vit, sae = p.d_sae;
  PlainParams<T> g(vit, sae);
  std::vector<T> e(static_cast<size_t>(vit));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < vit; ++k) {
      e[k] = 2 * (forward.x_hat[r * vit + k] - x[r * vit + k]) / static_cast<T>(rows * vit);
      g.b_dec[k] += e[k];
    }
    for (int64_t j = 0; j < sae; ++j) {
      const T f = forward.f[r * sae + j];
      if (!(f > 0)) continue;
      T df = sparsity_coeff / static_cast<T>(rows);
      for (int64_t k = 0; k < vit; ++k) {
        df += e[k] * p.w_dec[j * vit + k];
        g.w_dec[j * vit + k] += f * e[k];
      }
      g.b_enc[j] += df;
      for (int64_t k = 0; k < vit; ++k) {
        g.w_enc[k * sae + j] += df * (x[r * vit + k] - p.b_dec[k]);
        g.b_dec[k] -= df * p.w_enc[k * sae + j];
      }
    }
  }
  return g;
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

  void update(PlainParams<T>& p, const PlainParams<T>& g, T lr) {
    ++t;
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

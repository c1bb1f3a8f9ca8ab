#pragma once
// What follows a gradient, written as the formulas are: parallel parts, clipping, Adam, Muon, unit norms. The
// fast step is compared with it (kinds_test.cc).

#include <algorithm>
#include <cmath>
#include <vector>

#include "sae/params.h"

namespace saev {

/// Norm of all gradients; scales them by min(1, clip / (norm + 1e-6)).
template <typename T>
T reference_clip(PlainParams<T>& g, T clip) {
  T squares = 0;
  for (const auto* v : {&g.w_enc, &g.b_enc, &g.w_dec, &g.b_dec, &g.threshold, &g.r_mag, &g.b_mag}) {
    for (const T e : *v) squares += e * e;
  }
  const T norm = std::sqrt(squares), factor = std::min<T>(1, clip / (norm + static_cast<T>(1e-6)));
  for (auto* v : {&g.w_enc, &g.b_enc, &g.w_dec, &g.b_dec, &g.threshold, &g.r_mag, &g.b_mag}) {
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

  explicit ReferenceAdam(const PlainParams<T>& p) : m(p.d_vit, p.d_sae), v(p.d_vit, p.d_sae) {
    for (auto* a : {&m, &v}) {
      a->threshold.resize(p.threshold.size());
      a->r_mag.resize(p.r_mag.size());
      a->b_mag.resize(p.b_mag.size());
    }
  }

  /// The vectors alone; `g.threshold` is of log θ.
  void update_vectors(PlainParams<T>& p, const PlainParams<T>& g, T lr) {
    one(p.b_enc, g.b_enc, m.b_enc, v.b_enc, lr);
    one(p.b_dec, g.b_dec, m.b_dec, v.b_dec, lr);
    one(p.r_mag, g.r_mag, m.r_mag, v.r_mag, lr);
    one(p.b_mag, g.b_mag, m.b_mag, v.b_mag, lr);
    for (T& theta : p.threshold) theta = std::log(theta);
    one(p.threshold, g.threshold, m.threshold, v.threshold, lr);
    for (T& t : p.threshold) t = std::exp(t);
  }

  /// `decay`: decoupled weight decay of the matrices.
  void update(PlainParams<T>& p, const PlainParams<T>& g, T lr, T decay = 0) {
    ++t;
    for (auto* w : {&p.w_enc, &p.w_dec}) {
      for (T& v : *w) v *= 1 - lr * decay;
    }
    one(p.w_enc, g.w_enc, m.w_enc, v.w_enc, lr);
    one(p.w_dec, g.w_dec, m.w_dec, v.w_dec, lr);
    update_vectors(p, g, lr);
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

/// Newton–Schulz on x [rows, columns] (muon.h).
template <typename T>
std::vector<T> reference_newton_schulz(std::vector<T> x, int64_t rows, int64_t columns) {
  const auto transposed = [](const std::vector<T>& m, int64_t r, int64_t c) {
    std::vector<T> out(m.size());
    for (int64_t i = 0; i < r; ++i) {
      for (int64_t k = 0; k < c; ++k) out[k * r + i] = m[i * c + k];
    }
    return out;
  };
  if (rows > columns) {
    return transposed(reference_newton_schulz(transposed(x, rows, columns), columns, rows), columns, rows);
  }
  T squares = 0;
  for (const T v : x) squares += v * v;
  for (T& v : x) v /= std::max(std::sqrt(squares), static_cast<T>(1e-7));
  const auto product = [](const std::vector<T>& a, const std::vector<T>& b, int64_t n, int64_t m, int64_t k) {
    std::vector<T> out(static_cast<size_t>(n * m));
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t q = 0; q < k; ++q) {
        for (int64_t j = 0; j < m; ++j) out[i * m + j] += a[i * k + q] * b[q * m + j];
      }
    }
    return out;
  };
  for (int i = 0; i < 5; ++i) {
    const auto gram = product(x, transposed(x, rows, columns), rows, rows, columns);
    auto poly = product(gram, gram, rows, rows, rows);
    for (size_t e = 0; e < poly.size(); ++e) poly[e] = T(-4.7750) * gram[e] + T(2.0315) * poly[e];
    const auto more = product(poly, x, rows, columns, rows);
    for (size_t e = 0; e < x.size(); ++e) x[e] = T(3.4445) * x[e] + more[e];
  }
  return x;
}

/// Muon's momentum for both matrices, and one update of them.
template <typename T>
struct ReferenceMuon {
  std::vector<T> enc, dec;

  void update(PlainParams<T>& p, const PlainParams<T>& g, T lr, T decay) {
    one(p.w_enc, g.w_enc, enc, p.d_vit, p.d_sae, lr, decay);
    one(p.w_dec, g.w_dec, dec, p.d_sae, p.d_vit, lr, decay);
  }

 private:
  static void one(std::vector<T>& w, const std::vector<T>& g, std::vector<T>& b, int64_t rows,
                  int64_t columns, T lr, T decay) {
    b.resize(g.size());
    std::vector<T> u(g.size());
    for (size_t i = 0; i < g.size(); ++i) {
      b[i] = T(0.95) * b[i] + g[i];
      u[i] = g[i] + T(0.95) * b[i];
    }
    u = reference_newton_schulz(std::move(u), rows, columns);
    const T step = lr * T(0.2) * std::sqrt(static_cast<T>(std::max(rows, columns)));
    for (size_t i = 0; i < w.size(); ++i) w[i] = (1 - lr * decay) * w[i] - step * u[i];
  }
};

}  // namespace saev

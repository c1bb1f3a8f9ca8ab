#pragma once
// What the tests of training steps share.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "sae/activation.h"
#include "sae/params.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {

inline Params random_params(int64_t d_vit, int64_t d_sae, float b_enc, test::Random& random) {
  Params p(d_vit, d_sae);
  random.fill(p.w_enc.data(), d_vit * d_sae, 1 / std::sqrt(static_cast<float>(d_vit)));
  random.fill(p.w_dec.data(), d_vit * d_sae, 0.3f);
  random.fill(p.b_dec.data(), d_vit, 0.1f);
  for (auto& b : p.b_enc) b = b_enc + 0.1f * random.normal();
  return p;
}

/// Parameters that a kind has beside W and b.
inline void add_own_params(Params& p, Selection selection, test::Random& random) {
  const auto n = static_cast<size_t>(p.d_sae);
  if (selection == Selection::kJumpRelu) {
    for (size_t j = 0; j < n; ++j) p.threshold.push_back(0.2f + 0.1f * static_cast<float>(random.uniform()));
  } else if (selection == Selection::kGated) {
    for (size_t j = 0; j < n; ++j) {
      p.r_mag.push_back(0.2f * random.normal());
      p.b_mag.push_back(0.3f * random.normal());
    }
  }
}

template <typename T>
PlainParams<T> cast(const Params& p) {
  PlainParams<T> out(p.d_vit, p.d_sae);
  out.w_enc.assign(p.w_enc.begin(), p.w_enc.end());
  out.b_enc.assign(p.b_enc.begin(), p.b_enc.end());
  out.w_dec.assign(p.w_dec.begin(), p.w_dec.end());
  out.b_dec.assign(p.b_dec.begin(), p.b_dec.end());
  out.threshold.assign(p.threshold.begin(), p.threshold.end());
  out.r_mag.assign(p.r_mag.begin(), p.r_mag.end());
  out.b_mag.assign(p.b_mag.begin(), p.b_mag.end());
  return out;
}

/// Largest |a − b| over the largest |b|.
template <typename A, typename B>
double deviation(const std::vector<A>& a, const std::vector<B>& b) {
  double worst = 0, size = 1e-30;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    worst = d > worst || std::isnan(d) ? d : worst;
    size = std::max(size, std::fabs(static_cast<double>(b[i])));
  }
  return worst / size;
}

inline void check_params_close(const Params& a, const PlainParams<double>& b, double tolerance,
                               const std::string& where) {
  const double d[] = {deviation(a.w_enc, b.w_enc),         deviation(a.b_enc, b.b_enc),
                      deviation(a.w_dec, b.w_dec),         deviation(a.b_dec, b.b_dec),
                      deviation(a.threshold, b.threshold), deviation(a.r_mag, b.r_mag),
                      deviation(a.b_mag, b.b_mag)};
  const char* names[] = {"W_enc", "b_enc", "W_dec", "b_dec", "threshold", "r_mag", "b_mag"};
  CHECK(a.threshold.size() == b.threshold.size() && a.r_mag.size() == b.r_mag.size());
  for (int i = 0; i < 7; ++i) {
    if (!(d[i] <= tolerance))
      test::fail(__FILE__, __LINE__,
                 where + " " + names[i] + " off by " + std::to_string(d[i] * 1e6) + "e-6");
  }
}

}  // namespace saev

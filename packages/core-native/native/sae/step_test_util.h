#pragma once
// What the tests of training steps share.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

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

template <typename T>
PlainParams<T> cast(const Params& p) {
  PlainParams<T> out(p.d_vit, p.d_sae);
  out.w_enc.assign(p.w_enc.begin(), p.w_enc.end());
  out.b_enc.assign(p.b_enc.begin(), p.b_enc.end());
  out.w_dec.assign(p.w_dec.begin(), p.w_dec.end());
  out.b_dec.assign(p.b_dec.begin(), p.b_dec.end());
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
  const double d[] = {deviation(a.w_enc, b.w_enc), deviation(a.b_enc, b.b_enc), deviation(a.w_dec, b.w_dec),
                      deviation(a.b_dec, b.b_dec)};
  const char* names[] = {"W_enc", "b_enc", "W_dec", "b_dec"};
  for (int i = 0; i < 4; ++i) {
    if (!(d[i] <= tolerance))
      test::fail(__FILE__, __LINE__,
                 where + " " + names[i] + " off by " + std::to_string(d[i] * 1e6) + "e-6");
  }
}

}  // namespace saev

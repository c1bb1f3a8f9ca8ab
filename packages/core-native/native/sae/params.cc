#include "sae/params.h"

#include <cmath>
#include <string>
#include <utility>

#include "core/error.h"

namespace saev {
namespace {

void check_finite(const std::vector<float>& values, const char* name) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw Error(Code::kNumeric, std::string(name) + " holds a value that is not finite at element " +
                                      std::to_string(i) + "; this SAE cannot be used");
    }
  }
}

void check_size(size_t found, int64_t expected, const char* name) {
  if (static_cast<int64_t>(found) != expected) {
    throw Error(Code::kShapeMismatch, std::string(name) + ": expected " + std::to_string(expected) +
                                          " elements, found " + std::to_string(found));
  }
}

}  // namespace

void check_params(const Params& p) {
  check_size(p.w_enc.size(), p.d_vit * p.d_sae, "W_enc");
  check_size(p.b_enc.size(), p.d_sae, "b_enc");
  check_size(p.w_dec.size(), p.d_vit * p.d_sae, "W_dec");
  check_size(p.b_dec.size(), p.d_vit, "b_dec");
  const std::pair<const std::vector<float>*, const char*> own[] = {
      {&p.threshold, "threshold"}, {&p.r_mag, "r_mag"}, {&p.b_mag, "b_mag"}};
  for (const auto& [values, name] : own) {
    if (!values->empty()) check_size(values->size(), p.d_sae, name);
    check_finite(*values, name);
  }
  check_finite(p.w_enc, "W_enc");
  check_finite(p.b_enc, "b_enc");
  check_finite(p.w_dec, "W_dec");
  check_finite(p.b_dec, "b_dec");
}

}  // namespace saev

#include "sae/activation.h"

#include <cmath>
#include <string>

#include "core/error.h"

namespace saev {

void check_activation(const Activation& a, int64_t d_sae) {
  if (!std::isfinite(a.threshold)) {
    throw Error(Code::kNumeric, "threshold: expected a finite number, found " + std::to_string(a.threshold));
  }
  if (a.selection != Selection::kTopK && a.selection != Selection::kBatchTopK) return;
  if (a.top_k < 1 || a.top_k > d_sae) {
    throw Error(Code::kInvalidArgument, "top_k: expected from 1 to the SAE's " + std::to_string(d_sae) +
                                            " latents, found " + std::to_string(a.top_k));
  }
}

void check_kind(Selection selection, const Params& p) {
  const auto expect = [](bool there, bool wanted, const char* what, const char* kind) {
    if (there == wanted) return;
    throw Error(Code::kShapeMismatch, std::string(what) +
                                          (wanted ? ": expected a value for each latent, found none; a "
                                                  : ": expected none, found some; only a ") +
                                          kind + " SAE has them");
  };
  const bool gated = selection == Selection::kGated;
  expect(!p.threshold.empty(), selection == Selection::kJumpRelu, "threshold", "jump-relu");
  expect(!p.r_mag.empty(), gated, "r_mag", "gated");
  expect(!p.b_mag.empty(), gated, "b_mag", "gated");
}

}  // namespace saev

#include "sae/activation.h"

#include <cmath>
#include <string>

#include "core/error.h"

namespace saev {

void check_activation(const Activation& a, int64_t d_sae) {
  if (!std::isfinite(a.threshold)) {
    throw Error(Code::kNumeric, "threshold: expected a finite number, found " + std::to_string(a.threshold));
  }
  if (a.selection == Selection::kRelu) return;
  if (a.top_k < 1 || a.top_k > d_sae) {
    throw Error(Code::kInvalidArgument, "top_k: expected from 1 to the SAE's " + std::to_string(d_sae) +
                                            " latents, found " + std::to_string(a.top_k));
  }
}

}  // namespace saev

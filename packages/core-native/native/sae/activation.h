#pragma once
// From pre-activations h to latents f: what an SAE kind is, to the encoder.
//
//   kRelu       f = h where h > 0                                             (Bricken et al. 2023)
//   kTopK       f = h where h is among the top_k largest of its row           (Gao et al. 2024)
//   kBatchTopK  f = h where h is among the top_k · rows largest of the batch  (Bussmann et al. 2024);
//               outside training f = h where h > max(threshold, 0)
//
// Both top-k kinds are published with a ReLU, so fewer may remain; the Python package keeps negative values.

#include <cstdint>

namespace saev {

enum class Selection { kRelu, kTopK, kBatchTopK };

struct Activation {
  Selection selection = Selection::kRelu;
  int64_t top_k = 0;     ///< latents kept per row, on average over the batch for kBatchTopK
  bool relu = true;      ///< kept values below 0 become 0
  double threshold = 0;  ///< of kBatchTopK outside training
};

/// Throws Code::kInvalidArgument unless top_k is from 1 to d_sae where it matters, and threshold is finite.
void check_activation(const Activation& activation, int64_t d_sae);

}  // namespace saev

#pragma once
// Parameters in the form that files and formulas have: row-major, nothing padded.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace saev {

/// T is float, or double for gradient checks.
template <typename T>
struct PlainParams {
  int64_t d_vit = 0;
  int64_t d_sae = 0;
  std::vector<T> w_enc;           ///< [d_vit, d_sae]
  std::vector<T> b_enc;           ///< [d_sae]
  std::vector<T> w_dec;           ///< [d_sae, d_vit]
  std::vector<T> b_dec;           ///< [d_vit]
  std::vector<T> threshold = {};  ///< [d_sae] of a jump-relu SAE, else empty
  std::vector<T> r_mag = {};      ///< [d_sae] of a gated SAE, else empty; its b_enc is the gate's bias
  std::vector<T> b_mag = {};      ///< [d_sae] of a gated SAE, else empty

  PlainParams() = default;
  /// All zero.
  PlainParams(int64_t vit, int64_t sae)
      : d_vit(vit),
        d_sae(sae),
        w_enc(static_cast<size_t>(vit * sae)),
        b_enc(static_cast<size_t>(sae)),
        w_dec(static_cast<size_t>(sae * vit)),
        b_dec(static_cast<size_t>(vit)) {}
};

using Params = PlainParams<float>;

/// Throws Code::kShapeMismatch when the arrays do not fit d_vit and d_sae (those of some kinds may be empty),
/// Code::kNumeric when a value is not finite.
void check_params(const Params& params);

/// What the encoder sees. Files of the Python package had `(x − b_dec) W_enc + b_enc` until July 2025 and
/// `x W_enc + b_enc` since.
enum class EncoderInput {
  kCentred,  ///< x − b_dec
  kRaw,      ///< x
};

}  // namespace saev

#pragma once
// The nested prefixes of a Matryoshka SAE (Bussmann et al. 2025), drawn anew for each batch: n − 1 distinct
// lengths from 1 to d_sae − 1, and d_sae.

#include <cstdint>
#include <vector>

namespace saev {

enum class PrefixForm {
  kPublished,      ///< p(l) ∝ √l − √(l − 1): as many long prefixes as short ones
  kPythonPackage,  ///< p(l) ∝ 1/√(l − 1) − 1/√l for l ≥ 2, as the Python package of March 2026: mostly short
};

/// Ascending, `n` of them, or as many as there are lengths. The same seed and step give the same prefixes.
std::vector<int64_t> draw_prefixes(int64_t d_sae, int64_t n, PrefixForm form, uint64_t seed, int64_t step);

/// Throws Code::kInvalidArgument unless `prefixes` ascend strictly from at least 1 to d_sae.
void check_prefixes(const std::vector<int64_t>& prefixes, int64_t d_sae);

}  // namespace saev

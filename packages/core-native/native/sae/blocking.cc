#include "sae/blocking.h"

#include <algorithm>

namespace saev {

namespace {

/// Best of a search on two Zen 3 cores with slices of 96 columns.
Blocking for_narrow_slices(double density) {
  if (density < 0.03) return {768, 768, 256, true, false, false, true, 4};
  if (density < 0.07) return {384, 512, 256, false, true, false, true};
  if (density < 0.12) return {192, 256, 128, false, true, false, true};
  return {96, 128, 64, false, true, false, true};
}

/// Best of a search on a Zen 5 core with slices of 192 columns. Where lists are short a row is fetched before
/// it is needed; where they are long the hardware sees it coming.
Blocking for_wide_slices(double density) {
  if (density < 0.015) return {768, 768, 256, true, false, true, true};
  if (density < 0.035) return {768, 768, 128, false, true, true, true};
  if (density < 0.07) return {384, 512, 128, false, true, true, true};
  if (density < 0.17) return {96, 512, 128, false, true, false, true};
  return {48, 256, 64, false, true, false, true};
}

}  // namespace

Blocking choose_blocking(double density, Level level, int64_t padded_sae, int threads) {
  if (density < 0) density = 0.5;
  Blocking b = level == Level::kAvx512 ? for_wide_slices(density) : for_narrow_slices(density);
  // Three tasks a thread keep all of them busy to the end.
  const int64_t share = padded_sae / (3 * std::max(1, threads)) / b.segment * b.segment;
  b.latents = std::clamp(share, b.segment, b.latents);
  return b;
}

}  // namespace saev

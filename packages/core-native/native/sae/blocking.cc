#include "sae/blocking.h"

#include <algorithm>

namespace saev {

Blocking choose_blocking(double density, Level level, int64_t padded_sae, int threads) {
  if (density < 0) density = 0.5;
  (void)level;
  Blocking b{};
  if (density < 0.03) {
    b = {8, 768, 256, true, false, false, true};
  } else if (density < 0.07) {
    b = {4, 512, 256, false, true, false, true};
  } else if (density < 0.12) {
    b = {2, 256, 128, false, true, false, true};
  } else {
    b = {1, 128, 64, false, true, false, true};
  }
  // Three tasks a thread keep all of them busy to the end.
  const int64_t share = padded_sae / (3 * std::max(1, threads)) / b.segment * b.segment;
  b.latents = std::clamp(share, b.segment, b.latents);
  return b;
}

}  // namespace saev

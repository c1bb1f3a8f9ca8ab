#pragma once
// x → the k largest pre-activations of a whole batch, exactly. All threads count what they list in one
// histogram; as soon as k values are known to lie above a bound, nothing below it is listed any more. What is
// listed depends on the order of the threads, what is kept does not.

#include "sae/encode_top_k.h"

namespace saev {

/// Lists of the `k` largest of the batch in segments of `segment` latents; with `relu` only values above 0.
/// Of equal values the lower row, then the lower latent is kept. Returns the smallest positive value kept, or
/// 0 when there is none.
float encode_batch_top_k(Level level, const Layout& layout, const EncodeInput& input, int64_t segment,
                         int64_t k, bool relu, EncodeScratch& scratch, ActiveLists& out,
                         FloorGuess* guess = nullptr);

}  // namespace saev

#pragma once
// x → the k largest pre-activations of each row, exactly: each row keeps its best so far, and the k-th of
// them is the floor below which the product's epilogue lists nothing. On random rows that is k ln(d_sae / k)
// entries, and no rows × d_sae matrix.

#include "sae/encode.h"

namespace saev {

struct RowTopK {
  int64_t k = 1;     ///< latents kept per row; all of them when there are fewer
  bool relu = true;  ///< only values above 0
  /// Number in the lists of each latent encoded, ascending, when the parameters are those of some latents of
  /// a larger SAE; null: their own numbers.
  const int32_t* latents = nullptr;
  int64_t padded_sae = 0;  ///< of the lists; 0: that of `layout`
};

struct RowTopKScratch {
  struct Candidate {
    float value;
    int32_t latent;
  };
  struct Thread {
    std::vector<float> value;
    std::vector<uint16_t> index;
    std::vector<Candidate> candidates;  ///< [row][capacity]
    std::vector<int32_t> count;
  };
  std::vector<Thread> threads;
};

/// Lists in segments of `segment` latents. Of equal values the lower latent is kept. NaN is never kept.
void encode_top_k(Level level, const Layout& layout, const EncodeInput& input, int64_t segment,
                  const RowTopK& options, EncodeScratch& scratch, RowTopKScratch& mine, ActiveLists& out);

}  // namespace saev

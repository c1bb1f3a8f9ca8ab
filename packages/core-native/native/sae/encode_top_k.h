#pragma once
// x → the k largest pre-activations of each row, exactly: each row keeps its best so far, and the k-th of
// them is the floor below which the product's epilogue lists nothing. On random rows that is k ln(d_sae / k)
// entries, and no rows × d_sae matrix.

#include "sae/encode.h"

namespace saev {

/// Where the floors of the next batch may begin, from the last one's: it saves what is listed while they
/// rise. A row whose floor began too high is done again, so it decides about speed only.
struct FloorGuess {
  float per_norm =
      0;  ///< top-k: the k-th largest value of a row over ‖x‖, as nearly all rows exceed it; 0: none
  float value = 0;  ///< batch-top-k: the smallest value kept, and a little less; 0: none
};

struct RowTopK {
  int64_t k = 1;     ///< latents kept per row; all of them when there are fewer
  bool relu = true;  ///< only values above 0
  /// Number in the lists of each latent encoded, ascending, when the parameters are those of some latents of
  /// a larger SAE; null: their own numbers.
  const int32_t* latents = nullptr;
  int64_t padded_sae = 0;       ///< of the lists; 0: that of `layout`
  FloorGuess* guess = nullptr;  ///< in and out, or null
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
    std::vector<float> norm, begin, again;  ///< ‖x‖ and the first floor of rows; rows that are done again
  };
  std::vector<Thread> threads;
  std::vector<float> per_norm;  ///< [rows]
};

/// Lists in segments of `segment` latents. Of equal values the lower latent is kept. NaN is never kept.
void encode_top_k(Level level, const Layout& layout, const EncodeInput& input, int64_t segment,
                  const RowTopK& options, EncodeScratch& scratch, RowTopKScratch& mine, ActiveLists& out);

}  // namespace saev

#pragma once
// Drives statistics: rows from a source, latents from an encoder, into an accumulator.

#include <memory>

#include "core/job.h"
#include "io/batch_source.h"
#include "sae/encoder.h"
#include "stats/top_k.h"

namespace saev {

struct AccumulateOptions {
  TopKOptions top_k;                ///< d_sae and rows are taken from the encoder and the source
  int64_t topk_batch_size = 16384;  ///< rows accumulated at a time
  int64_t sae_batch_size = 16384;   ///< rows encoded at a time
};

/// One epoch of `source`, from its beginning, through `encoder`. The source must yield images in order.
/// Reports rows done. Throws kShapeMismatch when source and encoder do not fit.
std::shared_ptr<TopKAccumulator> accumulate_top_k(BatchSource& source, const Encoder& encoder,
                                                  const AccumulateOptions& options, const Job& job);

/// Encodes rows of `batch` in pieces of at most `piece` rows into one list. `state` may be null.
void encode_in_pieces(const Encoder& encoder, const Batch& batch, int64_t piece, Encoder::State* state,
                      SparseBatch& f_x, const Job& job);

}  // namespace saev

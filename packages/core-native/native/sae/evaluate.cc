#include "sae/evaluate.h"

#include <string>

#include "core/error.h"

namespace saev {

Evaluation evaluate(const SparseAutoencoder& sae, BatchSource& source, const EvaluateOptions& o,
                    const Job& job) {
  if (source.dim() != sae.d_vit()) {
    throw Error(Code::kShapeMismatch, "this SAE is for activations of width " + std::to_string(sae.d_vit()) +
                                          ", the data has " + std::to_string(source.dim()));
  }
  if (o.batch_size < 1) throw Error(Code::kInvalidArgument, "the batch size must be at least 1");
  if (source.length() < 1) throw Error(Code::kInvalidArgument, "the data has no activations to evaluate on");
  source.reset();
  EvaluationSums sums(sae.d_vit(), sae.d_sae(), o.prefixes);
  SparseAutoencoder::Scratch scratch;
  Batch batch;
  while (true) {
    job.check_abort();
    const int64_t rows = source.next(batch, o.batch_size, job);
    if (rows == 0) break;
    sums.add(sae, batch.acts.data(), rows, scratch, job);
    job.report({static_cast<double>(sums.n_rows()), static_cast<double>(source.length()), {}});
  }
  return sums.figures(o.thresholds, o.batch_means);
}

}  // namespace saev

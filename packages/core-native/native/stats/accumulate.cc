#include "stats/accumulate.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"

namespace saev {
namespace {

// Results do not depend on how the rows are cut. Larger batches are cut to these, so that an abort is seen
// within a fraction of a second and latents of one batch stay small even when half of them are active.
constexpr int64_t kMostRows = 4096;
constexpr int64_t kMostEncoded = 1024;

/// A value that is not finite would hide behind a ReLU, and a latent seem never to fire.
void require_finite(const Batch& batch) {
  for (int64_t r = 0; r < batch.rows; ++r) {
    const float* x = batch.acts.data() + r * batch.dim;
    // A sum of products with 0 is 0, or no number as soon as one of them is not finite.
    float zero = 0;
    for (int64_t c = 0; c < batch.dim; ++c) zero += x[c] * 0.F;
    if (zero == 0) continue;
    const int64_t c = std::find_if(x, x + batch.dim, [](float v) { return !std::isfinite(v); }) - x;
    const auto at = static_cast<size_t>(r);
    const int64_t patch = batch.patch_i[at];
    throw Error(Code::kNumeric, "image " + std::to_string(batch.image_i[at]) +
                                    (patch < 0 ? "" : ", patch " + std::to_string(patch)) +
                                    ": the activation at dimension " + std::to_string(c) +
                                    " is not finite; record these shards again");
  }
}

}  // namespace

void encode_in_pieces(const Encoder& encoder, const Batch& batch, int64_t piece, Encoder::State* state,
                      SparseBatch& f_x, const Job& job) {
  if (batch.rows <= piece) {
    encoder.encode(batch.acts.data(), batch.rows, f_x, state);
    return;
  }
  f_x.rows = 0;
  f_x.d_sae = encoder.d_sae();
  f_x.row_start.assign(1, 0);
  f_x.latent.clear();
  f_x.value.clear();
  SparseBatch part;
  for (int64_t begin = 0; begin < batch.rows; begin += piece) {
    job.check_abort();
    const int64_t n = std::min(piece, batch.rows - begin);
    encoder.encode(batch.acts.data() + begin * batch.dim, n, part, state);
    const int64_t shift = f_x.row_start.back();
    for (int64_t r = 0; r < n; ++r)
      f_x.row_start.push_back(part.row_start[static_cast<size_t>(r) + 1] + shift);
    f_x.latent.insert(f_x.latent.end(), part.latent.begin(), part.latent.begin() + part.nnz());
    f_x.value.insert(f_x.value.end(), part.value.begin(), part.value.begin() + part.nnz());
    f_x.rows += n;
  }
}

std::shared_ptr<TopKAccumulator> accumulate_top_k(BatchSource& source, const Encoder& encoder,
                                                  const AccumulateOptions& options, const Job& job) {
  if (source.dim() != encoder.d_vit()) {
    throw Error(Code::kShapeMismatch, "the SAE takes activations of width " +
                                          std::to_string(encoder.d_vit()) + ", and these have " +
                                          std::to_string(source.dim()) +
                                          "; use the shards it was trained on");
  }
  if (options.topk_batch_size < 1 || options.sae_batch_size < 1) {
    throw Error(Code::kInvalidArgument, "topk_batch_size and sae_batch_size: expected 1 or more");
  }
  TopKOptions top_k = options.top_k;
  top_k.d_sae = encoder.d_sae();
  top_k.rows = source.length();
  auto accumulator = std::make_shared<TopKAccumulator>(top_k);
  source.reset();
  Batch batch;
  SparseBatch f_x;
  const auto state = encoder.state();
  int64_t done = 0;
  // No larger than the source: a batch takes its memory at once.
  const int64_t batch_rows = std::max<int64_t>(1, std::min({options.topk_batch_size, top_k.rows, kMostRows}));
  const int64_t piece = std::min(options.sae_batch_size, kMostEncoded);
  while (source.next(batch, batch_rows, job) > 0) {
    job.check_abort();
    require_finite(batch);
    encode_in_pieces(encoder, batch, piece, state.get(), f_x, job);
    job.check_abort();
    accumulator->add(f_x, batch.image_i, batch.patch_i);
    done += batch.rows;
    job.report({static_cast<double>(done), static_cast<double>(top_k.rows), {}});
  }
  accumulator->finish();
  return accumulator;
}

}  // namespace saev

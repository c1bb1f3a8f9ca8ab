#pragma once
// Active latents → reconstruction and its error, for a whole batch on all cores.

#include "core/aligned.h"
#include "core/job.h"
#include "sae/active_lists.h"
#include "sae/layout.h"

namespace saev {

struct DecodeScratch {
  std::vector<AlignedArray<float>> buffer;  ///< per thread: one slice of a row block
  std::vector<double> squares;              ///< per row block
  std::vector<double> l1;
  AlignedArray<float> column_sums;  ///< per row block [padded_vit]
};

struct DecodeOptions {
  bool look_ahead = false;   ///< fetch rows of W_dec ahead of their use
  bool next_block = true;    ///< fetch the next segment of W_dec while this one is used
  const Job* job = nullptr;  ///< polled by each task; an abort throws Code::kAborted
};

struct ForwardError {
  double squares = 0;  ///< Σ (x̂ − x)²
  double l1 = 0;       ///< Σ f
};

/// x̂ − x for lists of latents: `slices` holds x − b_dec as [slice][row][slice_width]; the gradient scale · (x̂
/// − x) goes to `gradient` in the same layout and its column sums to `column_sums` [padded_vit]. Sums are
/// made per row block and added in block order, so results do not depend on the number of threads.
ForwardError decode_error(Level level, const Layout& layout, const float* w_dec, const ActiveLists& lists,
                          const float* slices, float scale, float* gradient, float* column_sums,
                          const DecodeOptions& options, DecodeScratch& scratch);

/// x̂ = f W_dec + b_dec as plain rows [rows, d_vit].
void decode_rows(Level level, const Layout& layout, const float* w_dec, const float* b_dec,
                 const ActiveLists& lists, DecodeScratch& scratch, float* x_hat);

}  // namespace saev

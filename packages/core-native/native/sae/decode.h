#pragma once
// Active latents → reconstruction and its error, for a whole batch on all cores.

#include "core/aligned.h"
#include "core/job.h"
#include "sae/active_lists.h"
#include "sae/layout.h"
#include "sae/prefix_parts.h"

namespace saev {

struct DecodeScratch {
  std::vector<AlignedArray<float>> buffer;  ///< per thread: one slice of a task's row blocks
  std::vector<double> squares;              ///< per row block
  std::vector<double> slice_squares;        ///< per row block and slice
  std::vector<double> l1;
  std::vector<int64_t> active;
  std::vector<PrefixParts> parts;   ///< per thread
  AlignedArray<float> column_sums;  ///< per row block [padded_vit]
};

struct DecodeOptions {
  bool look_ahead = false;   ///< fetch rows of W_dec ahead of their use
  bool next_block = true;    ///< fetch the next segment of W_dec while this one is used
  const Job* job = nullptr;  ///< polled by each task; an abort throws Code::kAborted
  /// Row blocks that go through W_dec together. Where lists are short a row of it is used by few rows of a
  /// block: several blocks fetch it once. One block at a time with prefixes.
  int64_t blocks = 1;
};

struct ForwardError {
  double squares = 0;  ///< Σ (x̂ − x)², over all prefixes
  double l1 = 0;       ///< Σ |f|
  int64_t active = 0;  ///< f ≠ 0
};

/// What a reconstruction starts from: the error is factor · start + bias + f W_dec.
struct DecodeTarget {
  const float* start = nullptr;  ///< [slice][row][slice_width]
  float factor = -1;
  const float* bias = nullptr;  ///< [padded_vit], or null
};

/// The error e of a reconstruction from lists of latents. Its gradient scale · e goes to `gradient` as
/// [slice][row][slice_width] and the gradient's column sums to `column_sums` [padded_vit].
///
/// With `prefixes` (ascending, the last one d_sae; empty: d_sae alone) there is an error e_j of the first m_j
/// latents for each. `gradient` then holds one matrix per prefix, Σ_{i ≥ j} scale · e_i: what the latents
/// from m_{j−1} to m_j see. `column_sums` are those of all e_i.
///
/// Sums are made per row block and added in block order, so results do not depend on the number of threads.
ForwardError decode_error(Level level, const Layout& layout, const float* w_dec, const ActiveLists& lists,
                          const DecodeTarget& target, const std::vector<int64_t>& prefixes, float scale,
                          float* gradient, float* column_sums, const DecodeOptions& options,
                          DecodeScratch& scratch);

/// x̂ = f W_dec + b_dec as plain rows [rows, d_vit].
void decode_rows(Level level, const Layout& layout, const float* w_dec, const float* b_dec,
                 const ActiveLists& lists, DecodeScratch& scratch, float* x_hat);

}  // namespace saev

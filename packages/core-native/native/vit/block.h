#pragma once
// The pre-norm residual block that all families share:
//   x += scale_1 ⊙ (attention(norm_1(x)) W_proj + b_proj)
//   x += scale_2 ⊙ (gelu(norm_2(x) W_fc1 + b_fc1) W_fc2 + b_fc2)
// or, where the MLP is a SwiGLU, with (g, v) = norm_2(x) W_fc1 + b_fc1 cut in half:
//   x += scale_2 ⊙ ((g σ(g) ⊙ v) W_fc2 + b_fc2)
// Some families turn queries and keys by their patches' positions (rope.h), norm what attention or the
// activation gives before the product that follows, or norm the branches' outputs instead of their inputs:
//   x += norm_1(attention(x) W_proj + b_proj)
//   x += norm_2(gelu(x W_fc1 + b_fc1) W_fc2 + b_fc2)

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "kernels/cpu/bias_gelu.h"
#include "vit/packed_block.h"
#include "vit/rope.h"

namespace saev {

/// Weights as PyTorch's Linear keeps them, [out, in]; all float32 and contiguous.
struct Block {
  at::Tensor norm1_gain, norm1_shift;  ///< [d]
  at::Tensor qkv_weight, qkv_bias;     ///< [3 d, d], [3 d]: queries, keys, values
  at::Tensor proj_weight, proj_bias;   ///< [d, d], [d]
  at::Tensor norm2_gain, norm2_shift;  ///< [d]
  at::Tensor fc1_weight, fc1_bias;     ///< [hidden, d], [hidden]; twice as many rows for a SwiGLU
  at::Tensor fc2_weight, fc2_bias;     ///< [d, hidden], [d]
  at::Tensor scale1, scale2;           ///< [d] LayerScale, or undefined
  at::Tensor attention_norm_gain, attention_norm_shift;  ///< [d], or undefined
  at::Tensor mlp_norm_gain, mlp_norm_shift;              ///< [hidden], or undefined
  std::shared_ptr<const Rope> rope;                      ///< or null
  std::shared_ptr<const PackedBlock> packed;             ///< then the four weights above are undefined
  int64_t heads = 1;
  float eps = 1e-5f;
  Gelu gelu = Gelu::kErf;
  bool swiglu = false;     ///< then `gelu` is not used
  bool post_norm = false;  ///< norms of outputs; then LayerScale is not used
  bool causal = false;     ///< whether a token attends to itself and those before it only

  int64_t bytes() const;
};

/// Buffers that live as long as one pass through the blocks. `normed` holds norm_1 of the next block between
/// calls, because it is computed in the pass that adds the last branch.
struct BlockScratch {
  PackedScratch packed;
  at::Tensor normed, qkv, branch, hidden;
  bool ready = false;
};

/// Runs `block` on x [images · tokens, d] in place. When `next` is given, norm_1 of that block is left in
/// `scratch` for the next call.
void run_block(const Block& block, const Block* next, at::Tensor& x, int64_t images, int64_t tokens,
               BlockScratch& scratch);

}  // namespace saev

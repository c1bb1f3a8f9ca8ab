#pragma once
// Takes the tensors of a residual block out of a file: what differs between families is what they are called.

#include <string>
#include <vector>

#include "vit/block.h"
#include "vit/model_sizes.h"
#include "vit/weights.h"

namespace saev {

/// Names of a block's tensors, without the block's own prefix ("blocks.3."). Norms and linear layers are
/// named without ".weight" and ".bias", both of which they have; the other names are whole. An empty name
/// stands for a tensor that the family's blocks do not have.
struct BlockNames {
  std::string norm1, norm2;
  std::vector<std::string> qkv_weight;  ///< one [3 d, d], or queries, keys, values [d, d]
  std::vector<std::string> qkv_bias;    ///< one [3 d], or three [d]; zeros where a name is empty
  std::string proj;
  std::vector<std::string> fc1;  ///< one, or the gate and the value of a SwiGLU
  std::string fc2;
  std::string scale1, scale2;            ///< LayerScale
  std::string attention_norm, mlp_norm;  ///< norms inside the branches
};

/// Names that timm gives, and dinov2 after it: "attn.qkv", "mlp.fc1", no LayerScale.
BlockNames timm_block_names();

/// Names that open_clip gives, in both towers: "attn.in_proj_weight", "mlp.c_fc".
BlockNames open_clip_block_names(bool layer_scale);

/// Names of attention in transformers' older models: "attention.attention.query", "attention.output.dense".
/// Norms and MLP are left to the model.
BlockNames transformers_block_names(bool qkv_bias);

/// What a block computes, beyond its names.
struct BlockKind {
  bool swiglu = false;
  bool post_norm = false;
};

/// Takes the tensors that begin with `at`; missing and misshapen ones are noted in `weights`.
Block take_block(WeightReader& weights, const std::string& at, const ModelSizes& sizes,
                 const BlockNames& names, const BlockKind& kind = {});

}  // namespace saev

#include "vit/take_block.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

namespace saev {
namespace {

/// `names` below one another; zeros for empty names. Undefined when one is missing, which `weights` knows.
at::Tensor stacked(WeightReader& weights, const std::string& at, const std::vector<std::string>& names,
                   const std::string& suffix, std::vector<int64_t> shape) {
  shape[0] /= static_cast<int64_t>(names.size());
  std::vector<at::Tensor> parts;
  bool whole = true;
  for (const std::string& name : names) {
    parts.push_back(name.empty() ? at::zeros(shape, at::kFloat)
                                 : weights.take(std::string(at).append(name).append(suffix), shape));
    whole = whole && parts.back().defined();
  }
  if (parts.size() == 1) return parts[0];
  return whole ? at::cat(parts) : at::Tensor();
}

}  // namespace

BlockNames timm_block_names() {
  BlockNames n;
  n.norm1 = "norm1";
  n.norm2 = "norm2";
  n.qkv_weight = {"attn.qkv.weight"};
  n.qkv_bias = {"attn.qkv.bias"};
  n.proj = "attn.proj";
  n.fc1 = {"mlp.fc1"};
  n.fc2 = "mlp.fc2";
  return n;
}

BlockNames open_clip_block_names(bool layer_scale) {
  BlockNames n;
  n.norm1 = "ln_1";
  n.norm2 = "ln_2";
  n.qkv_weight = {"attn.in_proj_weight"};
  n.qkv_bias = {"attn.in_proj_bias"};
  n.proj = "attn.out_proj";
  n.fc1 = {"mlp.c_fc"};
  n.fc2 = "mlp.c_proj";
  if (layer_scale) {
    n.scale1 = "ls_1.gamma";
    n.scale2 = "ls_2.gamma";
  }
  return n;
}

BlockNames transformers_block_names(bool qkv_bias) {
  BlockNames n;
  const std::string at = "attention.attention.";
  for (const char* part : {"query", "key", "value"}) {
    n.qkv_weight.push_back(at + part + ".weight");
    n.qkv_bias.push_back(qkv_bias ? at + part + ".bias" : "");
  }
  n.proj = "attention.output.dense";
  return n;
}

Block take_block(WeightReader& weights, const std::string& at, const ModelSizes& sizes,
                 const BlockNames& names, const BlockKind& kind) {
  const int64_t d = sizes.d_vit, hidden = sizes.hidden, first = kind.swiglu ? 2 * hidden : hidden;
  const auto vector = [&](const std::string& name, const char* suffix, int64_t size) {
    return name.empty() ? at::Tensor() : weights.take(std::string(at).append(name).append(suffix), {size});
  };
  Block b;
  b.norm1_gain = vector(names.norm1, ".weight", d);
  b.norm1_shift = vector(names.norm1, ".bias", d);
  b.qkv_weight = stacked(weights, at, names.qkv_weight, "", {3 * d, d});
  b.qkv_bias = stacked(weights, at, names.qkv_bias, "", {3 * d});
  b.proj_weight = weights.take(at + names.proj + ".weight", {d, d});
  b.proj_bias = vector(names.proj, ".bias", d);
  b.norm2_gain = vector(names.norm2, ".weight", d);
  b.norm2_shift = vector(names.norm2, ".bias", d);
  b.fc1_weight = stacked(weights, at, names.fc1, ".weight", {first, d});
  b.fc1_bias = stacked(weights, at, names.fc1, ".bias", {first});
  b.fc2_weight = weights.take(at + names.fc2 + ".weight", {d, hidden});
  b.fc2_bias = vector(names.fc2, ".bias", d);
  b.scale1 = vector(names.scale1, "", d);
  b.scale2 = vector(names.scale2, "", d);
  b.attention_norm_gain = vector(names.attention_norm, ".weight", d);
  b.attention_norm_shift = vector(names.attention_norm, ".bias", d);
  b.mlp_norm_gain = vector(names.mlp_norm, ".weight", hidden);
  b.mlp_norm_shift = vector(names.mlp_norm, ".bias", hidden);
  b.heads = sizes.heads;
  b.eps = sizes.eps;
  b.gelu = sizes.gelu;
  b.swiglu = kind.swiglu;
  b.post_norm = kind.post_norm;
  return b;
}

}  // namespace saev

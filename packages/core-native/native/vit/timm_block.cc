#include "vit/timm_block.h"

namespace saev {

Block take_timm_block(WeightReader& weights, const std::string& at, const ModelSizes& sizes,
                      const TimmBlock& kind) {
  const int64_t d = sizes.d_vit, hidden = sizes.hidden, first = kind.swiglu ? 2 * hidden : hidden;
  const std::string fc1 = at + (kind.swiglu ? "mlp.w12" : "mlp.fc1"),
                    fc2 = at + (kind.swiglu ? "mlp.w3" : "mlp.fc2");
  Block b;
  b.norm1_gain = weights.take(at + "norm1.weight", {d});
  b.norm1_shift = weights.take(at + "norm1.bias", {d});
  b.qkv_weight = weights.take(at + "attn.qkv.weight", {3 * d, d});
  b.qkv_bias = weights.take(at + "attn.qkv.bias", {3 * d});
  b.proj_weight = weights.take(at + "attn.proj.weight", {d, d});
  b.proj_bias = weights.take(at + "attn.proj.bias", {d});
  b.norm2_gain = weights.take(at + "norm2.weight", {d});
  b.norm2_shift = weights.take(at + "norm2.bias", {d});
  b.fc1_weight = weights.take(fc1 + ".weight", {first, d});
  b.fc1_bias = weights.take(fc1 + ".bias", {first});
  b.fc2_weight = weights.take(fc2 + ".weight", {d, hidden});
  b.fc2_bias = weights.take(fc2 + ".bias", {d});
  if (kind.layer_scale) {
    b.scale1 = weights.take(at + "ls1.gamma", {d});
    b.scale2 = weights.take(at + "ls2.gamma", {d});
  }
  b.heads = sizes.heads;
  b.eps = sizes.eps;
  b.gelu = sizes.gelu;
  b.swiglu = kind.swiglu;
  return b;
}

}  // namespace saev

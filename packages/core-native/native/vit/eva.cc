#include "vit/eva.h"

#include "io/weight_files.h"
#include "vit/take_block.h"
#include "vit/timm_rope.h"
#include "vit/token_model.h"

namespace saev {
namespace {

BlockNames block_names(const EvaConfig& config) {
  BlockNames n = timm_block_names();
  n.qkv_bias = {"attn.q_bias", "", "attn.v_bias"};
  if (config.split_qkv) {
    n.qkv_weight = {"attn.q_proj.weight", "attn.k_proj.weight", "attn.v_proj.weight"};
    n.qkv_bias = {"attn.q_proj.bias", "", "attn.v_proj.bias"};
  }
  if (config.swiglu) n.fc1 = {"mlp.fc1_g", "mlp.fc1_x"};
  if (config.inner_norms) {
    n.attention_norm = "attn.norm";
    n.mlp_norm = "mlp.norm";
  }
  return n;
}

class Eva final : public TokenModel {
 public:
  Eva(const EvaConfig& config, const TensorFile& file, const std::string& what)
      : TokenModel(config, true, 0) {
    const int64_t d = config.d_vit;
    const std::string at = prefix_of(file, "patch_embed.proj.weight");
    WeightReader weights(file, what);
    take_patches(weights, at + "patch_embed.proj.weight");
    const at::Tensor patch_bias = weights.take(at + "patch_embed.proj.bias", {d});
    take_prefix(weights, at + "cls_token");
    const at::Tensor positions = weights.take(at + "pos_embed", {1, shape_.n_tokens(), d});
    std::shared_ptr<const Rope> rope;
    if (config.rope_side > 0) {
      rope = rope_of_angles(timm_angles(config, {.side = config.rope_side}), n_prefix(), true);
    }
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      blocks_.push_back(take_block(weights, at + "blocks." + std::to_string(layer) + ".", config,
                                   block_names(config),
                                   {.swiglu = config.swiglu, .post_norm = config.post_norm}));
      blocks_.back().rope = rope;
    }
    take_head(weights, timm_head_names(at, at.ends_with("trunk.")));
    for (const char* after : {"norm.", "fc_norm.", "head.", "attn_pool."}) weights.ignore_under(at + after);
    weights.finish(at);
    join(positions[0], patch_bias);
  }
};

}  // namespace

std::shared_ptr<VisionModel> load_eva(const EvaConfig& config, const std::vector<std::string>& paths) {
  check_sizes(config);
  check_within(config.rope_side, 0, 4096, "patches a side of rotary positions");
  if (config.rope_side > 0) check_rope_sizes(config);
  const auto file = open_weight_files(paths);
  return std::make_shared<Eva>(config, *file, weight_files_text(paths));
}

}  // namespace saev

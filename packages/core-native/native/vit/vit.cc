#include "vit/vit.h"

#include "core/error.h"
#include "io/weight_files.h"
#include "vit/take_block.h"
#include "vit/token_model.h"

namespace saev {
namespace {

/// What the two libraries call the same things.
struct VitNames {
  std::string patches, cls, distillation, registers, positions, norm, blocks;
  std::vector<std::string> unused;  ///< beginnings of names that are used after the last block only
  BlockNames block;
};

VitNames transformers_names(const VitConfig& config) {
  VitNames n;
  n.patches = "embeddings.patch_embeddings.projection";
  n.cls = "embeddings.cls_token";
  n.distillation = "embeddings.distillation_token";
  n.positions = "embeddings.position_embeddings";
  n.blocks = "encoder.layer.";
  n.unused = {"layernorm.",
              "pooler.",
              "classifier.",
              "cls_classifier.",
              "distillation_classifier.",
              "decoder.",
              "embeddings.mask_token"};
  n.block = transformers_block_names(config.qkv_bias);
  n.block.norm1 = "layernorm_before";
  n.block.norm2 = "layernorm_after";
  n.block.fc1 = {"intermediate.dense"};
  n.block.fc2 = "output.dense";
  return n;
}

VitNames timm_names(const VitConfig& config) {
  VitNames n;
  n.patches = "patch_embed.proj";
  n.cls = "cls_token";
  n.distillation = "dist_token";
  n.registers = "reg_token";
  n.positions = "pos_embed";
  n.norm = "norm_pre";
  n.blocks = "blocks.";
  n.unused = {"norm.", "fc_norm.", "head.", "head_dist.", "attn_pool.", "pre_logits."};
  n.block = timm_block_names();
  if (!config.qkv_bias) n.block.qkv_bias = {""};
  if (config.layer_scale) {
    n.block.scale1 = "ls1.gamma";
    n.block.scale2 = "ls2.gamma";
  }
  return n;
}

class Vit final : public TokenModel {
 public:
  Vit(const VitConfig& config, const TensorFile& file, const std::string& what)
      : TokenModel(config, config.has_cls, config.n_registers + (config.distilled ? 1 : 0)) {
    const int64_t d = config.d_vit;
    const VitNames names = config.transformers ? transformers_names(config) : timm_names(config);
    const std::string at = prefix_of(file, names.patches + ".weight");
    WeightReader weights(file, what);
    take_patches(weights, at + names.patches + ".weight");
    at::Tensor patch_bias;
    if (!config.norm_before_blocks) patch_bias = weights.take(at + names.patches + ".bias", {d});
    if (config.has_cls) take_prefix(weights, at + names.cls);
    if (config.distilled) take_prefix(weights, at + names.distillation);
    take_prefix(weights, at + names.registers, config.n_registers);
    const int64_t placed = config.prefix_positions ? shape_.n_tokens() : shape_.n_patches;
    const at::Tensor positions = weights.take(at + names.positions, {1, placed, d});
    if (config.norm_before_blocks) take_norm(weights, at + names.norm);
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      blocks_.push_back(take_block(weights, at + names.blocks + std::to_string(layer) + ".", config,
                                   names.block, {.swiglu = config.swiglu}));
    }
    take_head(weights, config.transformers ? HeadNames{.norm = at + "layernorm", .norm_needed = true}
                                           : timm_head_names(at, at.ends_with("trunk.")));
    for (const std::string& after : names.unused) weights.ignore_under(at + after);
    weights.finish(at);
    join(positions[0], patch_bias);
  }
};

}  // namespace

std::shared_ptr<VisionModel> load_vit(const VitConfig& config, const std::vector<std::string>& paths) {
  check_sizes(config);
  check_within(config.n_registers, 0, 4096, "register tokens");
  const auto file = open_weight_files(paths);
  return std::make_shared<Vit>(config, *file, weight_files_text(paths));
}

}  // namespace saev

#include "vit/dinov2.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"
#include "io/weight_files.h"
#include "vit/position_interpolation.h"
#include "vit/take_block.h"
#include "vit/token_model.h"

namespace saev {
namespace {

/// What dinov2's own code and Hugging Face's call the same things.
struct Dinov2Names {
  std::string patches, cls, registers, positions;
  std::string mask;
  std::string norm;  ///< after the last block
  BlockNames block;
};

Dinov2Names own_names(const Dinov2Config& config) {
  Dinov2Names n;
  n.patches = "patch_embed.proj";
  n.cls = "cls_token";
  n.registers = "register_tokens";
  n.positions = "pos_embed";
  n.mask = "mask_token";
  n.norm = "norm";
  n.block = timm_block_names();
  if (config.swiglu) {
    n.block.fc1 = {"mlp.w12"};
    n.block.fc2 = "mlp.w3";
  }
  n.block.scale1 = "ls1.gamma";
  n.block.scale2 = "ls2.gamma";
  return n;
}

Dinov2Names transformers_names(const Dinov2Config& config, const std::string& at) {
  Dinov2Names n;
  n.patches = at + "embeddings.patch_embeddings.projection";
  n.cls = at + "embeddings.cls_token";
  n.registers = at + "embeddings.register_tokens";
  n.positions = at + "embeddings.position_embeddings";
  n.mask = at + "embeddings.mask_token";
  n.norm = at + "layernorm";
  n.block = transformers_block_names(config.qkv_bias);
  n.block.norm1 = "norm1";
  n.block.norm2 = "norm2";
  n.block.fc1 = {config.swiglu ? "mlp.weights_in" : "mlp.fc1"};
  n.block.fc2 = config.swiglu ? "mlp.weights_out" : "mlp.fc2";
  n.block.scale1 = "layer_scale1.lambda1";
  n.block.scale2 = "layer_scale2.lambda1";
  return n;
}

class Dinov2 final : public TokenModel {
 public:
  Dinov2(const Dinov2Config& config, const TensorFile& file, const std::string& what)
      : TokenModel(config, true, config.n_registers), config_(config) {
    const int64_t d = config.d_vit;
    const std::string at = config.transformers ? prefix_of(file, "embeddings.cls_token") : "";
    Dinov2Names names = config.transformers ? transformers_names(config, at) : own_names(config);
    if (!config.layer_scale) names.block.scale1 = names.block.scale2 = "";
    WeightReader weights(file, what);
    take_patches(weights, names.patches + ".weight");
    const at::Tensor patch_bias = weights.take(names.patches + ".bias", {d});
    take_prefix(weights, names.cls);
    take_prefix(weights, names.registers, config.n_registers);
    const int64_t stored = config.positions_side * config.positions_side;
    const at::Tensor positions = weights.take(names.positions, {1, 1 + stored, d});
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      blocks_.push_back(
          take_block(weights, at + block_at(layer), config, names.block, {.swiglu = config.swiglu}));
    }
    take_head(weights, {.norm = names.norm, .norm_needed = true});
    for (const char* part : {".weight", ".bias"}) weights.ignore(names.norm + part);
    // Used in training only.
    weights.ignore(names.mask);
    if (config.transformers) weights.ignore_under("classifier.");
    weights.finish(at);
    // Registers come after positions were added, and have none.
    const at::Tensor none = at::zeros({config.n_registers, d});
    join(at::cat({positions[0].narrow(0, 0, 1), none, patch_positions(positions[0].narrow(0, 1, stored))}),
         patch_bias);
  }

 private:
  std::string block_at(int64_t layer) const {
    if (config_.transformers) return "encoder.layer." + std::to_string(layer) + ".";
    const std::string chunk =
        config_.layers_per_chunk > 0 ? std::to_string(layer / config_.layers_per_chunk) + "." : "";
    return "blocks." + chunk + std::to_string(layer) + ".";
  }

  at::Tensor patch_positions(const at::Tensor& stored) const {
    if (stored.size(0) == shape_.n_patches && config_.height == config_.width) return stored;
    return interpolate_positions(stored, {.rows = config_.height / config_.patch_height,
                                          .columns = config_.width / config_.patch_width,
                                          .antialias = config_.antialias,
                                          .offset = config_.offset});
  }

  Dinov2Config config_;
};

}  // namespace

std::shared_ptr<VisionModel> load_dinov2(const Dinov2Config& config, const std::vector<std::string>& paths) {
  check_sizes(config);
  check_within(config.positions_side, 1, 4096, "patches a side");
  check_within(config.n_registers, 0, 4096, "register tokens");
  check_within(config.layers_per_chunk, 0, config.n_layers, "layers of a chunk");
  if (!(config.offset >= 0 && config.offset < 1)) {
    throw Error(Code::kBadFile, "model config: the offset of interpolation must lie between 0 and 1");
  }
  const auto file = open_weight_files(paths);
  return std::make_shared<Dinov2>(config, *file, weight_files_text(paths));
}

}  // namespace saev

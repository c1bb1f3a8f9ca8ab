#include "vit/dinov3.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "io/weight_files.h"
#include "vit/take_block.h"
#include "vit/token_model.h"

namespace saev {
namespace {

BlockNames block_names(const Dinov3Config& config) {
  BlockNames n;
  n.norm1 = "norm1";
  n.norm2 = "norm2";
  n.qkv_weight = {"attention.q_proj.weight", "attention.k_proj.weight", "attention.v_proj.weight"};
  n.qkv_bias = {config.query_bias ? "attention.q_proj.bias" : "",
                config.key_bias ? "attention.k_proj.bias" : "",
                config.value_bias ? "attention.v_proj.bias" : ""};
  n.proj = "attention.o_proj";
  n.fc1 = {"mlp.up_proj"};
  if (config.swiglu) n.fc1 = {"mlp.gate_proj", "mlp.up_proj"};
  n.fc2 = "mlp.down_proj";
  n.scale1 = "layer_scale1.lambda1";
  n.scale2 = "layer_scale2.lambda1";
  return n;
}

/// Angles [patches, head width / 2]: first by the row, then by the column of the patch's centre, which lie in
/// (−1, 1) whatever the size, times 2 π θ^(−i / (head width / 4)). Each step rounds as float32, as the model
/// was trained with.
at::Tensor angles(const Dinov3Config& config) {
  const int64_t rows = config.height / config.patch_height, columns = config.width / config.patch_width;
  const int64_t quarter = config.d_vit / config.heads / 4;
  at::Tensor out = at::empty({rows * columns, 2 * quarter}, at::kFloat);
  float* to = out.mutable_data_ptr<float>();
  const auto centre = [](int64_t i, int64_t n) {
    return 2.f * ((static_cast<float>(i) + 0.5f) / static_cast<float>(n)) - 1.f;
  };
  for (int64_t patch = 0; patch < rows * columns; ++patch) {
    const float at[2] = {centre(patch / columns, rows), centre(patch % columns, columns)};
    for (const float coordinate : at) {
      for (int64_t i = 0; i < quarter; ++i) {
        const auto exponent = static_cast<float>(i) / static_cast<float>(quarter);
        const float frequency = 1.f / std::pow(static_cast<float>(config.rope_theta), exponent);
        *to++ = 2 * std::numbers::pi_v<float> * coordinate * frequency;
      }
    }
  }
  return out;
}

class Dinov3 final : public TokenModel {
 public:
  Dinov3(const Dinov3Config& config, const TensorFile& file, const std::string& what)
      : TokenModel(config, true, config.n_registers) {
    const std::string at = prefix_of(file, "embeddings.cls_token");
    WeightReader weights(file, what);
    take_patches(weights, at + "embeddings.patch_embeddings.weight");
    const at::Tensor patch_bias = weights.take(at + "embeddings.patch_embeddings.bias", {config.d_vit});
    take_prefix(weights, at + "embeddings.cls_token");
    take_prefix(weights, at + "embeddings.register_tokens", config.n_registers);
    const auto rope = rope_of_angles(angles(config), n_prefix(), false);
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      blocks_.push_back(take_block(weights, at + "layer." + std::to_string(layer) + ".", config,
                                   block_names(config), {.swiglu = config.swiglu}));
      blocks_.back().rope = rope;
    }
    take_head(weights, {.norm = at + "norm", .norm_needed = true});
    // Used in training only, or not at all.
    for (const char* name : {"norm.weight", "norm.bias", "embeddings.mask_token"}) weights.ignore(at + name);
    weights.ignore_under("classifier.");
    weights.finish(at);
    join({}, patch_bias);
  }
};

}  // namespace

std::shared_ptr<VisionModel> load_dinov3(const Dinov3Config& config, const std::vector<std::string>& paths) {
  check_sizes(config);
  check_rope_sizes(config);
  check_within(config.n_registers, 0, 4096, "register tokens");
  if (!(config.rope_theta > 0 && config.rope_theta < 1e12)) {
    throw Error(Code::kBadFile, "model config: rope_theta must lie between 0 and 1e12");
  }
  const auto file = open_weight_files(paths);
  return std::make_shared<Dinov3>(config, *file, weight_files_text(paths));
}

}  // namespace saev

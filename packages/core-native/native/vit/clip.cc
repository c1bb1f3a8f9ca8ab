#include "vit/clip.h"

#include "io/weight_files.h"
#include "kernels/cpu/add_norm.h"
#include "vit/patch_embedding.h"
#include "vit/take_block.h"

namespace saev {
namespace {

/// Names of open_clip's residual blocks.
BlockNames block_names(const ClipConfig& config) {
  BlockNames n;
  n.norm1 = "ln_1";
  n.norm2 = "ln_2";
  n.qkv_weight = {"attn.in_proj_weight"};
  n.qkv_bias = {"attn.in_proj_bias"};
  n.proj = "attn.out_proj";
  n.fc1 = {"mlp.c_fc"};
  n.fc2 = "mlp.c_proj";
  if (config.layer_scale) {
    n.scale1 = "ls_1.gamma";
    n.scale2 = "ls_2.gamma";
  }
  return n;
}

class Clip final : public VisionModel {
 public:
  Clip(const ClipConfig& config, const TensorFile& file, const std::string& what) : config_(config) {
    const int64_t d = config.d_vit;
    shape_ = {.n_layers = config.n_layers,
              .d_vit = d,
              .n_patches = config.n_patches(),
              .has_cls = true,
              .n_registers = 0,
              .height = config.height,
              .width = config.width};
    WeightReader weights(file, what);
    const at::Tensor patch_weight =
        weights.take("visual.conv1.weight", {d, 3, config.patch_height, config.patch_width});
    cls_ = weights.take("visual.class_embedding", {d});
    position_ = weights.take("visual.positional_embedding", {shape_.n_tokens(), d});
    if (config.norm_before_blocks) {
      norm_gain_ = weights.take("visual.ln_pre.weight", {d});
      norm_shift_ = weights.take("visual.ln_pre.bias", {d});
    }
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      const std::string at = "visual.transformer.resblocks." + std::to_string(layer) + ".";
      blocks_.push_back(take_block(weights, at, config, block_names(config)));
    }
    // Used after the last block only, and so for no activation.
    for (const char* name : {"visual.ln_post.weight", "visual.ln_post.bias", "visual.proj"}) {
      weights.ignore(name);
    }
    // CoCa pools the last block's output with attention.
    for (const char* name : {"query", "attn.in_proj_weight", "attn.in_proj_bias", "attn.q_proj_weight",
                             "attn.k_proj_weight", "attn.v_proj_weight", "attn.out_proj.weight",
                             "attn.out_proj.bias", "ln_q.weight", "ln_q.bias", "ln_k.weight", "ln_k.bias"}) {
      weights.ignore(std::string("visual.attn_pool.") + name);
    }
    weights.finish("visual.");
    projection_ = PatchProjection(patch_weight);
    cls_ = cls_.view({1, d});
  }

  at::Tensor embed(const at::Tensor& input) const override {
    const int64_t n = input.size(0), d = shape_.d_vit;
    const at::Tensor patches = projection_(input);
    at::Tensor x = join_tokens(patches, n, cls_, position_).view({n * shape_.n_tokens(), d});
    if (config_.norm_before_blocks) {
      AddNorm a;
      a.x = a.out = x.mutable_data_ptr<float>();
      a.gain = norm_gain_.const_data_ptr<float>();
      a.shift = norm_shift_.const_data_ptr<float>();
      a.eps = config_.eps;
      a.rows = x.size(0);
      a.d = d;
      add_norm(a);
    }
    return x;
  }

 private:
  ClipConfig config_;
  PatchProjection projection_;
  at::Tensor cls_, position_, norm_gain_, norm_shift_;
};

}  // namespace

std::shared_ptr<VisionModel> load_clip(const ClipConfig& config, const std::vector<std::string>& paths) {
  check_sizes(config);
  const auto file = open_weight_files(paths);
  return std::make_shared<Clip>(config, *file, weight_files_text(paths));
}

}  // namespace saev

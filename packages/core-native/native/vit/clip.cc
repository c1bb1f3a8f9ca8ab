#include "vit/clip.h"

#include <ATen/ops/mm.h>

#include "io/weight_files.h"
#include "kernels/cpu/add_norm.h"
#include "vit/patch_embedding.h"
#include "vit/weights.h"

namespace saev {
namespace {

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
    patch_weight_ = weights.take("visual.conv1.weight", {d, 3, config.patch_height, config.patch_width});
    cls_ = weights.take("visual.class_embedding", {d});
    position_ = weights.take("visual.positional_embedding", {shape_.n_tokens(), d});
    if (config.norm_before_blocks) {
      norm_gain_ = weights.take("visual.ln_pre.weight", {d});
      norm_shift_ = weights.take("visual.ln_pre.bias", {d});
    }
    for (int64_t layer = 0; layer < config.n_layers; ++layer) blocks_.push_back(take_block(weights, layer));
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
    patch_weight_ = patch_weight_.view({d, 3 * config.patch_height * config.patch_width});
    cls_ = cls_.view({1, d});
  }

  at::Tensor embed(const at::Tensor& input) const override {
    const int64_t n = input.size(0), d = shape_.d_vit;
    const at::Tensor patches =
        at::mm(cut_patches(input, config_.patch_height, config_.patch_width), patch_weight_.t());
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
  Block take_block(WeightReader& weights, int64_t layer) const {
    const int64_t d = config_.d_vit, hidden = config_.hidden;
    const std::string at = "visual.transformer.resblocks." + std::to_string(layer) + ".";
    Block b;
    b.norm1_gain = weights.take(at + "ln_1.weight", {d});
    b.norm1_shift = weights.take(at + "ln_1.bias", {d});
    b.qkv_weight = weights.take(at + "attn.in_proj_weight", {3 * d, d});
    b.qkv_bias = weights.take(at + "attn.in_proj_bias", {3 * d});
    b.proj_weight = weights.take(at + "attn.out_proj.weight", {d, d});
    b.proj_bias = weights.take(at + "attn.out_proj.bias", {d});
    b.norm2_gain = weights.take(at + "ln_2.weight", {d});
    b.norm2_shift = weights.take(at + "ln_2.bias", {d});
    b.fc1_weight = weights.take(at + "mlp.c_fc.weight", {hidden, d});
    b.fc1_bias = weights.take(at + "mlp.c_fc.bias", {hidden});
    b.fc2_weight = weights.take(at + "mlp.c_proj.weight", {d, hidden});
    b.fc2_bias = weights.take(at + "mlp.c_proj.bias", {d});
    if (config_.layer_scale) {
      b.scale1 = weights.take(at + "ls_1.gamma", {d});
      b.scale2 = weights.take(at + "ls_2.gamma", {d});
    }
    b.heads = config_.heads;
    b.eps = config_.eps;
    b.gelu = config_.gelu;
    return b;
  }

  ClipConfig config_;
  at::Tensor patch_weight_, cls_, position_, norm_gain_, norm_shift_;
};

}  // namespace

std::shared_ptr<VisionModel> load_clip(const ClipConfig& config, const std::vector<std::string>& paths) {
  check_sizes(config);
  const auto file = open_weight_files(paths);
  return std::make_shared<Clip>(config, *file, weight_files_text(paths));
}

}  // namespace saev

#include "vit/clip.h"

#include "io/weight_files.h"
#include "vit/take_block.h"
#include "vit/token_model.h"

namespace saev {
namespace {

class Clip final : public TokenModel {
 public:
  Clip(const ClipConfig& config, const TensorFile& file, const std::string& what)
      : TokenModel(config, true, 0) {
    const int64_t d = config.d_vit;
    WeightReader weights(file, what);
    take_patches(weights, "visual.conv1.weight");
    const at::Tensor cls = weights.take("visual.class_embedding", {d});
    const at::Tensor positions = weights.take("visual.positional_embedding", {shape_.n_tokens(), d});
    if (config.norm_before_blocks) take_norm(weights, "visual.ln_pre");
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      const std::string at = "visual.transformer.resblocks." + std::to_string(layer) + ".";
      blocks_.push_back(take_block(weights, at, config, open_clip_block_names(config.layer_scale)));
    }
    // The norm comes before pooling or, in some models, after it.
    HeadNames names{.norm = "visual.ln_post", .norm_needed = true, .matrix = "visual.proj"};
    if (config.norm_after_pool) names = {.pooled_norm = "visual.ln_post", .matrix = "visual.proj"};
    take_head(weights, names);
    for (const char* name : {"visual.ln_post.weight", "visual.ln_post.bias", "visual.proj"}) {
      weights.ignore(name);
    }
    // CoCa pools the last block's output with attention of a form of its own: it has no embedding here.
    for (const char* name : {"query", "attn.in_proj_weight", "attn.in_proj_bias", "attn.q_proj_weight",
                             "attn.k_proj_weight", "attn.v_proj_weight", "attn.out_proj.weight",
                             "attn.out_proj.bias", "ln_q.weight", "ln_q.bias", "ln_k.weight", "ln_k.bias"}) {
      weights.ignore(std::string("visual.attn_pool.") + name);
    }
    weights.finish("visual.");
    add_prefix(cls.view({1, 1, d}));
    join(positions, {});
  }
};

}  // namespace

std::shared_ptr<VisionModel> load_clip(const ClipConfig& config, const std::vector<std::string>& paths) {
  check_sizes(config);
  const auto file = open_weight_files(paths);
  return std::make_shared<Clip>(config, *file, weight_files_text(paths));
}

}  // namespace saev

#include "vit/perception_encoder.h"

#include "core/error.h"
#include "io/weight_files.h"
#include "vit/take_block.h"
#include "vit/timm_rope.h"
#include "vit/token_model.h"

namespace saev {
namespace {

BlockNames block_names(const PerceptionEncoderConfig& config) {
  BlockNames n = timm_block_names();
  if (config.layer_scale) {
    n.scale1 = "gamma_1";
    n.scale2 = "gamma_2";
  }
  return n;
}

class PerceptionEncoder final : public TokenModel {
 public:
  PerceptionEncoder(const PerceptionEncoderConfig& config, const TensorFile& file, const std::string& what)
      : TokenModel(config, config.has_cls, 0) {
    const std::string at = prefix_of(file, "patch_embed.proj.weight");
    WeightReader weights(file, what);
    take_patches(weights, at + "patch_embed.proj.weight");
    if (config.has_cls) take_prefix(weights, at + "cls_token");
    const at::Tensor positions = weights.take(at + "pos_embed", {1, shape_.n_tokens(), config.d_vit});
    take_norm(weights, at + "norm_pre");
    const TimmRope rope{.side = config.rope_side, .offset = config.rope_offset, .x_first = true};
    const auto turns = rope_of_angles(timm_angles(config, rope), n_prefix(), true);
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      blocks_.push_back(
          take_block(weights, at + "blocks." + std::to_string(layer) + ".", config, block_names(config)));
      blocks_.back().rope = turns;
    }
    take_head(weights, timm_head_names(at, at.ends_with("trunk.")));
    for (const char* after : {"norm.", "fc_norm.", "head.", "attn_pool."}) weights.ignore_under(at + after);
    weights.finish(at);
    join(positions[0], {});
  }
};

}  // namespace

std::shared_ptr<VisionModel> load_perception_encoder(const PerceptionEncoderConfig& config,
                                                     const std::vector<std::string>& paths) {
  check_sizes(config);
  check_rope_sizes(config);
  check_within(config.rope_side, 1, 4096, "patches a side of rotary positions");
  if (!(config.rope_offset >= 0 && config.rope_offset <= 1)) {
    throw Error(Code::kBadFile, "model config: the offset of rotary positions must lie between 0 and 1");
  }
  const auto file = open_weight_files(paths);
  return std::make_shared<PerceptionEncoder>(config, *file, weight_files_text(paths));
}

}  // namespace saev

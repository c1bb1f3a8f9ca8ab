#include "vit/siglip.h"

#include "io/weight_files.h"
#include "vit/take_block.h"
#include "vit/token_model.h"

namespace saev {
namespace {

class Siglip final : public TokenModel {
 public:
  Siglip(const ModelSizes& sizes, const TensorFile& file, const std::string& what)
      : TokenModel(sizes, false, 0) {
    const int64_t d = sizes.d_vit;
    const std::string trunk = "visual.trunk.";
    WeightReader weights(file, what);
    take_patches(weights, trunk + "patch_embed.proj.weight");
    const at::Tensor patch_bias = weights.take(trunk + "patch_embed.proj.bias", {d});
    const at::Tensor positions = weights.take(trunk + "pos_embed", {1, shape_.n_patches, d});
    for (int64_t layer = 0; layer < sizes.n_layers; ++layer) {
      blocks_.push_back(
          take_block(weights, trunk + "blocks." + std::to_string(layer) + ".", sizes, timm_block_names()));
    }
    take_head(weights, timm_head_names(trunk, true));
    for (const char* after : {"trunk.attn_pool.", "trunk.norm.", "trunk.fc_norm.", "trunk.head.", "head."}) {
      weights.ignore_under(std::string("visual.") + after);
    }
    weights.finish("visual.");
    join(positions[0], patch_bias);
  }
};

}  // namespace

std::shared_ptr<VisionModel> load_siglip(const ModelSizes& sizes, const std::vector<std::string>& paths) {
  check_sizes(sizes);
  const auto file = open_weight_files(paths);
  return std::make_shared<Siglip>(sizes, *file, weight_files_text(paths));
}

}  // namespace saev

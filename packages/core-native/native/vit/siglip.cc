#include "vit/siglip.h"

#include "io/weight_files.h"
#include "vit/patch_embedding.h"
#include "vit/take_block.h"

namespace saev {
namespace {

class Siglip final : public VisionModel {
 public:
  Siglip(const ModelSizes& sizes, const TensorFile& file, const std::string& what) : sizes_(sizes) {
    const int64_t d = sizes.d_vit;
    shape_ = {.n_layers = sizes.n_layers,
              .d_vit = d,
              .n_patches = sizes.n_patches(),
              .has_cls = false,
              .n_registers = 0,
              .height = sizes.height,
              .width = sizes.width};
    const std::string trunk = "visual.trunk.";
    WeightReader weights(file, what);
    const at::Tensor patch_weight =
        weights.take(trunk + "patch_embed.proj.weight", {d, 3, sizes.patch_height, sizes.patch_width});
    const at::Tensor patch_bias = weights.take(trunk + "patch_embed.proj.bias", {d});
    position_ = weights.take(trunk + "pos_embed", {1, shape_.n_patches, d});
    for (int64_t layer = 0; layer < sizes.n_layers; ++layer) {
      blocks_.push_back(
          take_block(weights, trunk + "blocks." + std::to_string(layer) + ".", sizes, timm_block_names()));
    }
    for (const char* after : {"trunk.attn_pool.", "trunk.norm.", "trunk.fc_norm.", "trunk.head.", "head."}) {
      weights.ignore_under(std::string("visual.") + after);
    }
    weights.finish("visual.");
    projection_ = PatchProjection(patch_weight);
    position_ = position_[0].add_(patch_bias);
  }

  at::Tensor embed(const at::Tensor& input) const override {
    const int64_t n = input.size(0);
    const at::Tensor patches = projection_(input);
    return join_tokens(patches, n, {}, position_).view({n * shape_.n_tokens(), shape_.d_vit});
  }

 private:
  ModelSizes sizes_;
  PatchProjection projection_;
  at::Tensor position_;  ///< [patches, d], the convolution's bias added
};

}  // namespace

std::shared_ptr<VisionModel> load_siglip(const ModelSizes& sizes, const std::vector<std::string>& paths) {
  check_sizes(sizes);
  const auto file = open_weight_files(paths);
  return std::make_shared<Siglip>(sizes, *file, weight_files_text(paths));
}

}  // namespace saev

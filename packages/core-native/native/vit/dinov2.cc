#include "vit/dinov2.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"
#include "io/weight_files.h"
#include "vit/patch_embedding.h"
#include "vit/position_interpolation.h"
#include "vit/take_block.h"

namespace saev {
namespace {

BlockNames block_names(const Dinov2Config& config) {
  BlockNames n = timm_block_names();
  if (config.swiglu) {
    n.fc1 = {"mlp.w12"};
    n.fc2 = "mlp.w3";
  }
  if (config.layer_scale) {
    n.scale1 = "ls1.gamma";
    n.scale2 = "ls2.gamma";
  }
  return n;
}

class Dinov2 final : public VisionModel {
 public:
  Dinov2(const Dinov2Config& config, const TensorFile& file, const std::string& what) : config_(config) {
    const int64_t d = config.d_vit;
    shape_ = {.n_layers = config.n_layers,
              .d_vit = d,
              .n_patches = config.n_patches(),
              .has_cls = true,
              .n_registers = config.n_registers,
              .height = config.height,
              .width = config.width};
    WeightReader weights(file, what);
    const at::Tensor patch_weight =
        weights.take("patch_embed.proj.weight", {d, 3, config.patch_height, config.patch_width});
    const at::Tensor patch_bias = weights.take("patch_embed.proj.bias", {d});
    const at::Tensor cls = weights.take("cls_token", {1, 1, d});
    at::Tensor registers;
    if (config.n_registers > 0) registers = weights.take("register_tokens", {1, config.n_registers, d});
    const int64_t stored = config.positions_side * config.positions_side;
    const at::Tensor positions = weights.take("pos_embed", {1, 1 + stored, d});
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      blocks_.push_back(
          take_block(weights, name_of(layer), config, block_names(config), {.swiglu = config.swiglu}));
    }
    // Used after the last block, or in training only.
    for (const char* name : {"norm.weight", "norm.bias", "mask_token"}) weights.ignore(name);
    weights.finish("");
    projection_ = PatchProjection(patch_weight);
    prefix_ = cls[0];
    // Registers come after positions were added, and have none.
    const at::Tensor none = at::zeros({config.n_registers, d});
    if (registers.defined()) prefix_ = at::cat({prefix_, registers[0]});
    position_ = at::cat({positions[0].narrow(0, 0, 1), none,
                         patch_positions(positions[0].narrow(0, 1, stored)).add(patch_bias)});
  }

  at::Tensor embed(const at::Tensor& input) const override {
    const int64_t n = input.size(0);
    const at::Tensor patches = projection_(input);
    return join_tokens(patches, n, prefix_, position_).view({n * shape_.n_tokens(), shape_.d_vit});
  }

 private:
  std::string name_of(int64_t layer) const {
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
  PatchProjection projection_;
  at::Tensor prefix_;    ///< [1 + registers, d]: CLS, registers
  at::Tensor position_;  ///< [tokens, d]; with the convolution's bias for patches, zeros for registers
};

}  // namespace

std::shared_ptr<VisionModel> load_dinov2(const Dinov2Config& config, const std::vector<std::string>& paths) {
  check_sizes(config);
  const auto within = [](int64_t value, int64_t least, int64_t most, const char* name) {
    if (value >= least && value <= most) return;
    throw Error(Code::kBadFile, std::string("model config: ") + name + " must lie between " +
                                    std::to_string(least) + " and " + std::to_string(most) + ", found " +
                                    std::to_string(value));
  };
  within(config.positions_side, 1, 4096, "patches a side");
  within(config.n_registers, 0, 4096, "register tokens");
  within(config.layers_per_chunk, 0, config.n_layers, "layers of a chunk");
  if (!(config.offset >= 0 && config.offset < 1)) {
    throw Error(Code::kBadFile, "model config: the offset of interpolation must lie between 0 and 1");
  }
  const auto file = open_weight_files(paths);
  return std::make_shared<Dinov2>(config, *file, weight_files_text(paths));
}

}  // namespace saev

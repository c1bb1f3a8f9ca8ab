#include "vit/token_model.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include "kernels/cpu/add_norm.h"

namespace saev {

TokenModel::TokenModel(const ModelSizes& sizes, bool has_cls, int64_t n_registers) : sizes_(sizes) {
  shape_ = {.n_layers = sizes.n_layers,
            .d_vit = sizes.d_vit,
            .n_patches = sizes.n_patches(),
            .has_cls = has_cls,
            .n_registers = n_registers,
            .height = sizes.height,
            .width = sizes.width};
}

void TokenModel::take_patches(WeightReader& weights, const std::string& name) {
  projection_ =
      PatchProjection(weights.take(name, {sizes_.d_vit, 3, sizes_.patch_height, sizes_.patch_width}));
}

void TokenModel::take_prefix(WeightReader& weights, const std::string& name, int64_t n) {
  if (n > 0) prefixes_.push_back(weights.take(name, {1, n, sizes_.d_vit}));
}

void TokenModel::take_norm(WeightReader& weights, const std::string& name) {
  norm_gain_ = weights.take(name + ".weight", {sizes_.d_vit});
  norm_shift_ = weights.take(name + ".bias", {sizes_.d_vit});
}

void TokenModel::take_head(WeightReader& weights, const HeadNames& names) {
  HeadConfig config = sizes_.head;
  config.has_cls = shape_.has_cls;
  head_.take(weights, names, config, sizes_.d_vit, sizes_.eps);
}

void TokenModel::join(const at::Tensor& positions, const at::Tensor& patch_bias) {
  const int64_t d = sizes_.d_vit;
  if (!prefixes_.empty()) prefix_ = at::cat(prefixes_, 1)[0];
  position_ = at::zeros({shape_.n_tokens(), d}, at::kFloat);
  if (positions.defined()) {
    position_.narrow(0, shape_.n_tokens() - positions.size(0), positions.size(0)).copy_(positions);
  }
  if (patch_bias.defined()) position_.narrow(0, n_prefix(), shape_.n_patches).add_(patch_bias);
}

at::Tensor TokenModel::embed(const at::Tensor& input) const {
  const int64_t n = input.size(0), d = shape_.d_vit;
  at::Tensor x = join_tokens(projection_(input), n, prefix_, position_).view({n * shape_.n_tokens(), d});
  if (norm_gain_.defined()) {
    AddNorm a;
    a.x = a.out = x.mutable_data_ptr<float>();
    a.gain = norm_gain_.const_data_ptr<float>();
    a.shift = norm_shift_.const_data_ptr<float>();
    a.eps = sizes_.eps;
    a.rows = x.size(0);
    a.d = d;
    add_norm(a);
  }
  return x;
}

}  // namespace saev

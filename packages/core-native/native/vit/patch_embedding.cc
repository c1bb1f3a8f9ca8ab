#include "vit/patch_embedding.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

namespace saev {

at::Tensor cut_patches(const at::Tensor& input, int64_t patch_height, int64_t patch_width) {
  const int64_t n = input.size(0), rows = input.size(2) / patch_height, columns = input.size(3) / patch_width;
  return input.narrow(2, 0, rows * patch_height)
      .narrow(3, 0, columns * patch_width)
      .reshape({n, 3, rows, patch_height, columns, patch_width})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({n * rows * columns, 3 * patch_height * patch_width});
}

PatchProjection::PatchProjection(const at::Tensor& weight) {
  if (!weight.defined()) return;
  patch_height_ = weight.size(2);
  patch_width_ = weight.size(3);
  const at::Tensor flat = weight.view({weight.size(0), 3 * patch_height_ * patch_width_});
  if (!can_pack(Precision::kFloat32)) {
    weight_ = flat;
    return;
  }
  LinearLayer layer;
  layer.weight = flat.const_data_ptr<float>();
  layer.n_in = flat.size(1);
  layer.n_out = flat.size(0);
  packed_ = pack_linear(layer, Precision::kFloat32);
}

at::Tensor PatchProjection::operator()(const at::Tensor& input) const {
  const at::Tensor patches = cut_patches(input, patch_height_, patch_width_);
  if (weight_.defined()) return at::mm(patches, weight_.t());
  at::Tensor out = at::empty({patches.size(0), packed_.n_out}, at::kFloat);
  const RowsView in{const_cast<float*>(patches.const_data_ptr<float>()), nullptr, patches.size(1)};
  linear(packed_, in, patches.size(0), {out.mutable_data_ptr<float>(), nullptr, packed_.n_out});
  return out;
}

at::Tensor join_tokens(const at::Tensor& patches, int64_t n, const at::Tensor& prefix,
                       const at::Tensor& position) {
  const int64_t d = patches.size(1), n_patches = patches.size(0) / n;
  const int64_t first = prefix.defined() ? prefix.size(0) : 0;
  at::Tensor x = at::empty({n, first + n_patches, d}, at::kFloat);
  at::Tensor body = x.narrow(1, first, n_patches);
  at::add_out(body, patches.view({n, n_patches, d}), position.narrow(0, first, n_patches));
  if (first > 0)
    x.narrow(1, 0, first).copy_(at::add(prefix, position.narrow(0, 0, first)).expand({n, first, d}));
  return x;
}

}  // namespace saev

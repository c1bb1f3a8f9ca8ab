#pragma once
// What enters the first block, in the way that all families share: patches, tokens before them, positions,
// and perhaps a norm.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "vit/model_sizes.h"
#include "vit/patch_embedding.h"
#include "vit/vision_model.h"
#include "vit/weights.h"

namespace saev {

class TokenModel : public VisionModel {
 public:
  at::Tensor embed(const at::Tensor& input) const final;

 protected:
  /// Sizes of the model; `n_registers` counts every token between CLS and patches.
  TokenModel(const ModelSizes& sizes, bool has_cls, int64_t n_registers);

  /// Takes the convolution's weight [d, 3, patch_height, patch_width].
  void take_patches(WeightReader& weights, const std::string& name);
  /// Takes tokens [1, n, d] that come before the patches, after those taken before.
  void take_prefix(WeightReader& weights, const std::string& name, int64_t n = 1);
  /// The same for tokens [1, n, d] at hand.
  void add_prefix(const at::Tensor& tokens) { prefixes_.push_back(tokens); }
  /// Takes the norm that goes over all tokens once.
  void take_norm(WeightReader& weights, const std::string& name);
  /// Takes what comes after the last block; what is missing is no error (`Head::take`).
  void take_head(WeightReader& weights, const HeadNames& names);
  /// To be called when everything was there: `positions` [prefix + patches, d], or [patches, d] where the
  /// tokens before have none, or undefined; `patch_bias` [d] or undefined.
  void join(const at::Tensor& positions, const at::Tensor& patch_bias);

  int64_t n_prefix() const { return shape_.n_prefix(); }

 private:
  ModelSizes sizes_;
  std::vector<at::Tensor> prefixes_;
  PatchProjection projection_;
  at::Tensor prefix_;                  ///< [prefix, d], or undefined
  at::Tensor position_;                ///< [prefix + patches, d], the convolution's bias added to patches
  at::Tensor norm_gain_, norm_shift_;  ///< [d], or undefined
};

}  // namespace saev

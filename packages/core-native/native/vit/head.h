#pragma once
// What comes after the last block: from tokens to the one vector that a model gives for an image. Families
// differ in which of norm, pooling, second norm and projection they have, and in their names.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cpu/bias_gelu.h"
#include "vit/vision_shape.h"
#include "vit/weights.h"

namespace saev {

/// How tokens become one vector.
enum class Pool {
  kNone,       ///< not at all: there is no embedding
  kAuto,       ///< by the tensors at hand: attention, else the mean where a norm follows it, else CLS or mean
  kCls,        ///< the first token
  kFirstTwo,   ///< the mean of CLS and distillation token
  kMean,       ///< the mean of the tokens pooled over
  kAttention,  ///< one learnt query that attends to them, and an MLP
};

/// What a config says about the head.
struct HeadConfig {
  Pool pool = Pool::kNone;
  bool whole_mean = false;       ///< whether the mean is of all tokens, and not of patches only
  bool whole_attention = false;  ///< the same of attention
  bool has_cls = false;          ///< whether the first token is a CLS token
  int64_t heads = 1;             ///< of pooling by attention
  Gelu gelu = Gelu::kErf;        ///< of its MLP
};

/// Names of a head's tensors, whole but for ".weight" and ".bias"; empty for what a family never has.
struct HeadNames {                    // members have initialisers so that designated ones may leave them out
  std::string norm{};                 ///< over all tokens
  bool norm_needed = false;           ///< whether there is no embedding without it
  std::string pooled_norm{};          ///< after pooling
  std::string attention{};            ///< beginning of the names of pooling by attention: "attn_pool."
  std::vector<std::string> linear{};  ///< projections [out, d], of which the first that is there is taken
  std::string unsupported{};          ///< a tensor with which there is no embedding here
  std::string matrix{};               ///< or a whole name of a projection [d, out]
};

/// Names that timm gives, with `at` before them. `projected`: whether the classifier is a projection, as in
/// trunks of open_clip models, which may have one of their own after it.
HeadNames timm_head_names(const std::string& at, bool projected);

/// From the last block's output to the embedding. Products are libtorch's: it is one row an image.
class Head {
 public:
  /// Takes the tensors that are there. What is missing, or of sizes that do not fit, makes no error: there is
  /// no embedding then, and everything before it works.
  void take(WeightReader& weights, const HeadNames& names, const HeadConfig& config, int64_t d, float eps);

  /// Width of the embedding; 0 when there is none.
  int64_t width() const { return width_; }
  Pool pool() const { return pool_; }
  bool projected() const { return projection_.defined(); }

  /// tokens [n, n_tokens, d], registers included → [n, width]. `width` must not be 0.
  at::Tensor operator()(const at::Tensor& tokens, const VisionShape& shape) const;

 private:
  struct Attention {
    at::Tensor query;  ///< [d], projected already
    at::Tensor key_value_weight, key_value_bias;
    at::Tensor proj_weight, proj_bias;
    at::Tensor norm_gain, norm_shift;
    at::Tensor fc1_weight, fc1_bias, fc2_weight, fc2_bias;
  };

  bool take_attention(WeightReader& weights, const std::string& at, int64_t d);
  at::Tensor attend(const at::Tensor& tokens) const;

  Pool pool_ = Pool::kNone;
  bool whole_ = false;  ///< whether all tokens are pooled
  int64_t heads_ = 1;
  Gelu gelu_ = Gelu::kErf;
  float eps_ = 0;
  int64_t width_ = 0;
  at::Tensor norm_gain_, norm_shift_;  ///< [d], or undefined
  Attention attention_;
  at::Tensor pooled_norm_gain_, pooled_norm_shift_;  ///< [d], or undefined
  at::Tensor projection_, projection_bias_;          ///< [out, d], [out]; or undefined
};

}  // namespace saev

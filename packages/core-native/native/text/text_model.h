#pragma once
// The text towers of CLIP and SigLIP as open_clip writes them: tensors `token_embedding.weight`,
// `transformer.resblocks.*`, `ln_final`, `text_projection`, bare or under `text.`. The blocks are the ViT's.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/job.h"
#include "vit/block.h"

namespace saev {

/// Which token of a text becomes its vector.
enum class TextPool {
  kFirst,    ///< the first one
  kLast,     ///< the last one of the context, which may be padding
  kLargest,  ///< the one with the largest number: the end of text in CLIP's vocabulary
  kEnd,      ///< the first one that is `end`
};

/// What stands between the pooled token and the embedding.
enum class TextProjection {
  kNone,    ///< nothing: the embedding is as wide as the model
  kMatrix,  ///< `text_projection` [width, embedding]
  kLinear,  ///< `text_projection.weight` [embedding, width] and its bias
};

/// `model_cfg.text_cfg` of an open_clip_config.json, resolved.
struct TextConfig {
  int64_t context = 0;  ///< tokens of a text, padding included
  int64_t vocabulary = 0;
  int64_t width = 0;
  int64_t n_layers = 0;
  int64_t heads = 0;
  int64_t hidden = 0;     ///< of the MLP
  int64_t embedding = 0;  ///< width of what comes out
  float eps = 1e-5f;
  Gelu gelu = Gelu::kErf;
  bool causal = true;        ///< whether a token attends to itself and those before it only
  bool layer_scale = false;  ///< `ls_1.gamma`, `ls_2.gamma`
  TextPool pool = TextPool::kLargest;
  int64_t end = 0;  ///< number of the token that ends a text, for kEnd
  TextProjection projection = TextProjection::kMatrix;
};

class TextModel {
 public:
  /// Loads the tower from the files that hold its weights (`open_weight_files`), float16, bfloat16 or
  /// float32. Throws Code::kBadFile for sizes that no model has, and with a line that lists every missing,
  /// misshapen or unexpected tensor.
  TextModel(const TextConfig& config, const std::vector<std::string>& paths);

  const TextConfig& config() const { return config_; }
  /// What cosines are multiplied with before a softmax, e^`logit_scale`; 0 where the file does not say.
  double logit_scale() const { return logit_scale_; }
  int64_t bytes() const;

  /// tokens int64 [n ≥ 1, context] → embeddings of norm 1, float32 [n, embedding]. Of a causal model only the
  /// tokens up to the pooled one are computed: those after it cannot matter. Texts go through in groups, so
  /// that memory does not grow with n beyond input and result. Throws Code::kShapeMismatch, kInvalidArgument
  /// for a token that the vocabulary does not have, kNumeric for an infinite, NaN or zero embedding,
  /// kAborted.
  at::Tensor encode(const at::Tensor& tokens, const Job& job) const;

 private:
  std::vector<int64_t> pooled_at(const at::Tensor& tokens) const;
  at::Tensor embed(const at::Tensor& tokens, const std::vector<int64_t>& at, int64_t length,
                   const Job& job) const;

  TextConfig config_;
  double logit_scale_ = 0;
  std::vector<Block> blocks_;
  at::Tensor words_;                         ///< [vocabulary, width]
  at::Tensor positions_;                     ///< [context, width]
  at::Tensor norm_gain_, norm_shift_;        ///< [width]
  at::Tensor projection_, projection_bias_;  ///< [embedding, width], [embedding]; or undefined
};

}  // namespace saev

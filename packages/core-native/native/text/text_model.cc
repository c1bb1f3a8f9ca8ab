#include "text/text_model.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "io/weight_files.h"
#include "vit/model_sizes.h"
#include "vit/take_block.h"
#include "vit/weights.h"

namespace saev {
namespace {

/// Rows of one pass through the blocks, as the ViT's: full speed of the products, within the caches.
constexpr int64_t kRowsPerPass = 2048;

void check(const TextConfig& c) {
  check_within(c.context, 1, 4096, "context of the text tower");
  check_within(c.vocabulary, 1, 1 << 24, "vocabulary");
  check_within(c.width, 1, 65536, "width of the text tower");
  check_within(c.n_layers, 1, 1000, "layers of the text tower");
  check_within(c.heads, 1, c.width, "heads of the text tower");
  check_within(c.hidden, 1, 1 << 20, "hidden width of the text tower's MLP");
  check_within(c.embedding, 1, 65536, "width of the embedding");
  if (c.width % c.heads != 0) {
    throw Error(Code::kBadFile, "model config: width " + std::to_string(c.width) +
                                    " of the text tower is no multiple of its " + std::to_string(c.heads) +
                                    " heads");
  }
  if (c.projection == TextProjection::kNone && c.width != c.embedding) {
    throw Error(Code::kBadFile, "model config: a text tower without projection gives vectors of its width, " +
                                    std::to_string(c.width) + "; the model's embedding has " +
                                    std::to_string(c.embedding));
  }
  if (!(c.eps > 0 && c.eps < 1)) throw Error(Code::kBadFile, "model config: eps must lie between 0 and 1");
}

void check_tokens(const TextConfig& c, const at::Tensor& tokens) {
  if (tokens.scalar_type() != at::kLong || tokens.dim() != 2 || tokens.size(0) < 1 ||
      tokens.size(1) != c.context) {
    std::string found;
    for (const int64_t size : tokens.sizes()) found += (found.empty() ? "" : ", ") + std::to_string(size);
    throw Error(Code::kShapeMismatch, "tokens: expected int64 [n ≥ 1, " + std::to_string(c.context) +
                                          "], found " + std::string(c10::toString(tokens.scalar_type())) +
                                          " [" + found + "]");
  }
  const int64_t* data = tokens.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < tokens.numel(); ++i) {
    if (data[i] >= 0 && data[i] < c.vocabulary) continue;
    throw Error(Code::kInvalidArgument,
                "tokens: this model's vocabulary has numbers below " + std::to_string(c.vocabulary) +
                    ", found " + std::to_string(data[i]) + "; the tokeniser is that of another model");
  }
}

/// Divides each row by its norm.
void normalise(float* rows, int64_t n, int64_t width) {
  for (int64_t r = 0; r < n; ++r) {
    float* row = rows + r * width;
    double square = 0;
    for (int64_t k = 0; k < width; ++k) square += static_cast<double>(row[k]) * row[k];
    if (!(square > 0 && std::isfinite(square))) {
      throw Error(Code::kNumeric, "the text tower gives an embedding of norm " +
                                      std::to_string(std::sqrt(square)) +
                                      ": the weights are not what this model expects");
    }
    const double scale = 1 / std::sqrt(square);
    for (int64_t k = 0; k < width; ++k) row[k] = static_cast<float>(row[k] * scale);
  }
}

}  // namespace

TextModel::TextModel(const TextConfig& c, const std::vector<std::string>& paths) : config_(c) {
  check(c);
  const auto file = open_weight_files(paths);
  // Models whose text tower is a module of its own have it under "text.".
  const std::string at = file->contains("text.token_embedding.weight") ? "text." : "";
  WeightReader weights(*file, weight_files_text(paths));
  words_ = weights.take(at + "token_embedding.weight", {c.vocabulary, c.width});
  positions_ = weights.take(at + "positional_embedding", {c.context, c.width});
  ModelSizes sizes;
  sizes.n_layers = c.n_layers;
  sizes.d_vit = c.width;
  sizes.heads = c.heads;
  sizes.hidden = c.hidden;
  sizes.eps = c.eps;
  sizes.gelu = c.gelu;
  for (int64_t layer = 0; layer < c.n_layers; ++layer) {
    const std::string name = at + "transformer.resblocks." + std::to_string(layer) + ".";
    blocks_.push_back(take_block(weights, name, sizes, open_clip_block_names(c.layer_scale)));
    blocks_.back().causal = c.causal;
  }
  norm_gain_ = weights.take(at + "ln_final.weight", {c.width});
  norm_shift_ = weights.take(at + "ln_final.bias", {c.width});
  if (c.projection == TextProjection::kMatrix) {
    projection_ = weights.take(at + "text_projection", {c.width, c.embedding});
    if (projection_.defined()) projection_ = projection_.t().contiguous();
  } else if (c.projection == TextProjection::kLinear) {
    projection_ = weights.take(at + "text_projection.weight", {c.embedding, c.width});
    projection_bias_ = weights.take(at + "text_projection.bias", {c.embedding});
  }
  const at::Tensor scale = weights.take_if_there("logit_scale", 0);
  if (scale.defined()) logit_scale_ = std::exp(static_cast<double>(*scale.const_data_ptr<float>()));
  if (!std::isfinite(logit_scale_)) logit_scale_ = 0;
  weights.finish(at + "transformer.");
}

int64_t TextModel::bytes() const {
  int64_t total = static_cast<int64_t>(words_.nbytes() + positions_.nbytes());
  for (const Block& block : blocks_) total += block.bytes();
  return total;
}

std::vector<int64_t> TextModel::pooled_at(const at::Tensor& tokens) const {
  const int64_t n = tokens.size(0), context = config_.context;
  const int64_t* data = tokens.const_data_ptr<int64_t>();
  std::vector<int64_t> at(static_cast<size_t>(n), 0);
  for (int64_t r = 0; r < n; ++r) {
    const int64_t *first = data + r * context, *last = first + context;
    switch (config_.pool) {
      case TextPool::kFirst:
        break;
      case TextPool::kLast:
        at[r] = context - 1;
        break;
      case TextPool::kLargest:
        at[r] = std::max_element(first, last) - first;
        break;
      case TextPool::kEnd: {
        // As open_clip: of a text without an end the first token.
        const int64_t* end = std::find(first, last, config_.end);
        at[r] = end == last ? 0 : end - first;
        break;
      }
    }
  }
  return at;
}

/// tokens [n, ≥ length], of which the first `length` are used → [n, embedding], not of norm 1.
at::Tensor TextModel::embed(const at::Tensor& tokens, const std::vector<int64_t>& at, int64_t length,
                            const Job& job) const {
  const int64_t n = tokens.size(0), d = config_.width;
  at::Tensor x = at::index_select(words_, 0, tokens.narrow(1, 0, length).reshape({n * length}));
  x.view({n, length, d}).add_(positions_.narrow(0, 0, length));
  BlockScratch scratch;
  for (size_t layer = 0; layer < blocks_.size(); ++layer) {
    job.check_abort();
    run_block(blocks_[layer], layer + 1 < blocks_.size() ? &blocks_[layer + 1] : nullptr, x, n, length,
              scratch);
  }
  std::vector<int64_t> rows(at);
  for (int64_t r = 0; r < n; ++r) rows[r] += r * length;
  const at::Tensor pooled =
      at::layer_norm(at::index_select(x, 0, at::tensor(rows)), {d}, norm_gain_, norm_shift_, config_.eps);
  return projection_.defined() ? at::linear(pooled, projection_, projection_bias_) : pooled;
}

at::Tensor TextModel::encode(const at::Tensor& given, const Job& job) const {
  const c10::InferenceMode no_autograd;
  const at::Tensor tokens = given.contiguous();
  check_tokens(config_, tokens);
  const int64_t n = tokens.size(0);
  const std::vector<int64_t> at = pooled_at(tokens);
  // Texts of one length together: the longest of a group decides what is computed.
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  if (config_.causal) {
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return at[a] < at[b]; });
  }
  const auto length_of = [&](int64_t text) { return config_.causal ? at[text] + 1 : config_.context; };
  at::Tensor out = at::empty({n, config_.embedding}, at::kFloat);
  float* data = out.mutable_data_ptr<float>();
  for (int64_t from = 0, to = 0; from < n; from = to) {
    while (to < n && (to == from || (to - from + 1) * length_of(order[to]) <= kRowsPerPass)) ++to;
    const std::vector<int64_t> group(order.begin() + from, order.begin() + to);
    std::vector<int64_t> places;
    for (const int64_t text : group) places.push_back(at[text]);
    const at::Tensor rows =
        embed(at::index_select(tokens, 0, at::tensor(group)), places, length_of(group.back()), job)
            .contiguous();
    const float* found = rows.const_data_ptr<float>();
    for (size_t i = 0; i < group.size(); ++i) {
      std::copy_n(found + static_cast<int64_t>(i) * config_.embedding, config_.embedding,
                  data + group[i] * config_.embedding);
    }
    job.report({static_cast<double>(to), static_cast<double>(n), {}});
  }
  normalise(data, n, config_.embedding);
  return out;
}

}  // namespace saev

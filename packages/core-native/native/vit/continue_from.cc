#include "vit/continue_from.h"

#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <string>

#include "core/error.h"

namespace saev {
namespace {

std::string sizes_text(const at::Tensor& t) {
  std::string text = std::string(c10::toString(t.scalar_type())) + " [";
  for (int64_t i = 0; i < t.dim(); ++i) text += (i > 0 ? ", " : "") + std::to_string(t.size(i));
  return text + "]";
}

void check_layer(const VisionShape& shape, int64_t layer) {
  if (layer >= 0 && layer < shape.n_layers) return;
  throw Error(Code::kInvalidArgument, "layer: this model has layers 0 to " +
                                          std::to_string(shape.n_layers - 1) + ", found " +
                                          std::to_string(layer));
}

bool is_rows(const at::Tensor& t, int64_t n, int64_t tokens, int64_t d) {
  return t.scalar_type() == at::kFloat && t.dim() == 3 && t.size(0) == n && t.size(1) == tokens &&
         t.size(2) == d;
}

/// Runs blocks [from, to) over x [images · n_tokens, d] in place.
void run_blocks(const VisionModel& model, at::Tensor& x, int64_t images, int64_t from, int64_t to,
                const Job& job) {
  BlockScratch scratch;
  for (int64_t layer = from; layer < to; ++layer) {
    job.check_abort();
    run_block(model.blocks()[layer], layer + 1 < to ? &model.blocks()[layer + 1] : nullptr, x, images,
              model.shape().n_tokens(), scratch);
  }
}

void check_finite(const at::Tensor& x, const std::string& what) {
  const float* data = x.const_data_ptr<float>();
  // 0 · x is NaN exactly where x is not finite.
  float sum = 0;
  for (int64_t i = 0; i < x.numel(); ++i) sum += data[i] * 0.f;
  if (sum == 0.f) return;
  throw Error(Code::kNumeric, what + " an infinite or NaN activation");
}

}  // namespace

at::Tensor residual(const VisionModel& model, const at::Tensor& input, int64_t layer, const Job& job) {
  const c10::InferenceMode no_autograd;
  const VisionShape& s = model.shape();
  check_input(s, input);
  check_layer(s, layer);
  model.use();
  const int64_t n = input.size(0), per_pass = images_per_pass(s);
  at::Tensor out = at::empty({n, s.n_tokens(), s.d_vit}, at::kFloat);
  for (int64_t from = 0; from < n; from += per_pass) {
    const int64_t images = std::min(per_pass, n - from);
    at::Tensor x = model.embed(input.narrow(0, from, images));
    run_blocks(model, x, images, 0, layer + 1, job);
    out.narrow(0, from, images).copy_(x.view({images, s.n_tokens(), s.d_vit}));
    job.report({static_cast<double>(from + images), static_cast<double>(n), {}});
  }
  check_finite(out, "layer " + std::to_string(layer) + " gives");
  return out;
}

Outputs continue_from(const VisionModel& model, const at::Tensor& stream, const at::Tensor& replacement,
                      int64_t layer, const Job& job) {
  const c10::InferenceMode no_autograd;
  const VisionShape& s = model.shape();
  check_layer(s, layer);
  const int64_t n = stream.dim() == 3 ? stream.size(0) : 0;
  if (n < 1 || !is_rows(stream, n, s.n_tokens(), s.d_vit)) {
    throw Error(Code::kShapeMismatch, "residual: expected float32 [n ≥ 1, " + std::to_string(s.n_tokens()) +
                                          ", " + std::to_string(s.d_vit) + "], found " + sizes_text(stream));
  }
  const bool replaced = replacement.defined();
  const bool patches_only = replaced && replacement.dim() == 3 && replacement.size(1) == s.n_patches;
  if (replaced && !is_rows(replacement, n, patches_only ? s.n_patches : s.n_recorded(), s.d_vit)) {
    const std::string d = ", " + std::to_string(s.d_vit) + "]", of = "[" + std::to_string(n) + ", ";
    throw Error(Code::kShapeMismatch,
                "replacement: expected float32 " + of + std::to_string(s.n_recorded()) + d +
                    (s.has_cls ? " or, of patches only, " + of + std::to_string(s.n_patches) + d : "") +
                    ", found " + sizes_text(replacement));
  }
  model.use();
  Outputs out;
  out.tokens = at::empty({n, s.n_recorded(), s.d_vit}, at::kFloat);
  const bool embeds = model.head().width() > 0;
  if (embeds) out.embedding = at::empty({n, model.head().width()}, at::kFloat);
  const int64_t per_pass = images_per_pass(s), cls = s.has_cls ? 1 : 0;
  for (int64_t from = 0; from < n; from += per_pass) {
    const int64_t images = std::min(per_pass, n - from);
    at::Tensor tokens = at::empty({images, s.n_tokens(), s.d_vit}, at::kFloat);
    tokens.copy_(stream.narrow(0, from, images));
    if (replaced) {
      const at::Tensor in = replacement.narrow(0, from, images);
      tokens.narrow(1, s.n_prefix(), s.n_patches).copy_(in.narrow(1, patches_only ? 0 : cls, s.n_patches));
      if (!patches_only && s.has_cls) tokens.narrow(1, 0, 1).copy_(in.narrow(1, 0, 1));
    }
    check_finite(tokens, "what layer " + std::to_string(layer) + " is continued from holds");
    at::Tensor x = tokens.view({images * s.n_tokens(), s.d_vit});
    run_blocks(model, x, images, layer + 1, s.n_layers, job);
    check_finite(x, "the blocks after layer " + std::to_string(layer) + " give");
    const at::Tensor to = out.tokens.narrow(0, from, images);
    if (s.has_cls) to.narrow(1, 0, 1).copy_(tokens.narrow(1, 0, 1));
    to.narrow(1, cls, s.n_patches).copy_(tokens.narrow(1, s.n_prefix(), s.n_patches));
    if (embeds) out.embedding.narrow(0, from, images).copy_(model.head()(tokens, s));
    job.report({static_cast<double>(from + images), static_cast<double>(n), {}});
  }
  return out;
}

}  // namespace saev

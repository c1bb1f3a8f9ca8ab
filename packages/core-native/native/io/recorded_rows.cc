#include "io/recorded_rows.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"

namespace saev {

RecordedRows::RecordedRows(RecordedShape shape, RowChoice choice)
    : shape_(shape), choice_(std::move(choice)), first_patch_(shape.cls_token ? 1 : 0) {
  constexpr int64_t kMost = int64_t{1} << 20;
  for (const int64_t size : {shape_.n_layers, shape_.n_tokens, shape_.d_vit}) {
    if (size < 1 || size > kMost)
      throw Error(Code::kInvalidArgument, "layers, tokens and d_vit: expected 1 to a million of each");
  }
  const int64_t n_patches = shape_.n_tokens - first_patch_;
  if (choice_.patches == Patches::kCls && !shape_.cls_token) {
    throw Error(
        Code::kInvalidArgument,
        "patches = \"cls\" needs a [CLS] token, and this model has none; use \"patches\" or \"meanpool\"");
  }
  if (choice_.patches != Patches::kCls && n_patches < 1)
    throw Error(Code::kInvalidArgument, "this model has no patches, only the [CLS] token");
  if (choice_.layers == Layers::kOne && (choice_.layer < 0 || choice_.layer >= shape_.n_layers)) {
    throw Error(Code::kInvalidArgument, "layer position " + std::to_string(choice_.layer) +
                                            " is outside the " + std::to_string(shape_.n_layers) +
                                            " recorded layers");
  }
  patches_ = choice_.patches == Patches::kPatches ? n_patches : 1;
  layers_ = choice_.layers == Layers::kAll ? shape_.n_layers : 1;
}

void RecordedRows::read(const float* image, float* out) const {
  const int64_t d = shape_.d_vit;
  const auto token = [&](int64_t layer, int64_t t) { return image + (layer * shape_.n_tokens + t) * d; };
  std::vector<double> sum;
  for (int64_t layer = 0; layer < layers_; ++layer) {
    const bool every = choice_.layers == Layers::kMeanPool;
    const int64_t one = choice_.layers == Layers::kOne ? choice_.layer : layer;
    const int64_t layer_begin = every ? 0 : one, layer_end = every ? shape_.n_layers : one + 1;
    for (int64_t patch = 0; patch < patches_; ++patch, out += d) {
      int64_t begin = 0, end = 1;
      if (choice_.patches == Patches::kPatches) begin = first_patch_ + patch, end = begin + 1;
      if (choice_.patches == Patches::kMeanPool) begin = first_patch_, end = shape_.n_tokens;
      if (layer_end - layer_begin == 1 && end - begin == 1) {
        std::copy_n(token(layer_begin, begin), d, out);
        continue;
      }
      sum.assign(static_cast<size_t>(d), 0);
      for (int64_t l = layer_begin; l < layer_end; ++l) {
        for (int64_t t = begin; t < end; ++t) {
          const float* values = token(l, t);
          for (int64_t c = 0; c < d; ++c) sum[static_cast<size_t>(c)] += values[c];
        }
      }
      const auto n = static_cast<double>((layer_end - layer_begin) * (end - begin));
      for (int64_t c = 0; c < d; ++c) out[c] = static_cast<float>(sum[static_cast<size_t>(c)] / n);
    }
  }
}

}  // namespace saev

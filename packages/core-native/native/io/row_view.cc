#include "io/row_view.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/error.h"

namespace saev {

RowView::RowView(const ShardReader& shards, RowChoice choice) : shards_(&shards), choice_(std::move(choice)) {
  const ShardLayout& l = shards.layout();
  const std::string& dir = shards.dir();
  first_patch_ = shards.cls_token() ? 1 : 0;
  const int64_t n_patches = l.n_tokens - first_patch_;
  if (choice_.patches == Patches::kCls && !shards.cls_token()) {
    throw Error(Code::kInvalidArgument, dir +
                                            ": patches = \"cls\" needs a [CLS] token, and these shards have "
                                            "none; use \"patches\" or \"meanpool\"");
  }
  if (choice_.patches != Patches::kCls && n_patches <= 0) {
    throw Error(Code::kInvalidArgument, dir + ": these shards hold no patches, only the [CLS] token");
  }
  if (choice_.layers == Layers::kOne && (choice_.layer < 0 || choice_.layer >= l.n_layers)) {
    throw Error(Code::kInvalidArgument, dir + ": layer position " + std::to_string(choice_.layer) +
                                            " is outside the " + std::to_string(l.n_layers) +
                                            " recorded layers");
  }
  patches_per_row_group_ = choice_.patches == Patches::kPatches ? n_patches : 1;
  layers_per_image_ = choice_.layers == Layers::kAll ? l.n_layers : 1;
  rows_per_image_ = patches_per_row_group_ * layers_per_image_;
  if (!choice_.left_out.empty()) {
    for (int64_t image = 0; image < l.n_imgs; ++image) {
      if (!std::binary_search(choice_.left_out.begin(), choice_.left_out.end(), image))
        present_.push_back(image);
    }
    if (present_.empty())
      throw Error(Code::kBadFile, dir + ": every image was skipped when these shards were recorded");
  }
  length_ = (present_.empty() ? l.n_imgs : static_cast<int64_t>(present_.size())) * rows_per_image_;
}

Row RowView::at(int64_t i) const {
  if (present_.empty()) return at_index(i);
  const int64_t image = present_[static_cast<size_t>(i / rows_per_image_)];
  return at_index(image * rows_per_image_ + i % rows_per_image_);
}

bool RowView::is_present(int64_t index) const {
  return !std::binary_search(choice_.left_out.begin(), choice_.left_out.end(), index / rows_per_image_);
}

Row RowView::at_index(int64_t index) const {
  const int64_t within = index % rows_per_image_;
  Row row;
  row.index = index;
  row.image_i = index / rows_per_image_;
  row.patch_i = choice_.patches == Patches::kPatches ? within % patches_per_row_group_ : -1;
  switch (choice_.layers) {
    case Layers::kOne:
      row.layer = choice_.layer;
      break;
    case Layers::kAll:
      row.layer = within / patches_per_row_group_;
      break;
    case Layers::kMeanPool:
      row.layer = -1;
      break;
  }
  return row;
}

void RowView::advise(int64_t begin, int64_t n, PageAdvice advice) const {
  const ShardLayout& l = shards_->layout();
  for (int64_t i = begin; i < begin + n;) {
    const Row row = at(i);
    int64_t rows = 1, token = 0, tokens = 1;
    if (choice_.patches == Patches::kPatches) {
      rows = tokens = std::min(begin + n - i, patches_per_row_group_ - row.patch_i);
      token = first_patch_ + row.patch_i;
    } else if (choice_.patches == Patches::kMeanPool) {
      token = first_patch_;
      tokens = l.n_tokens - first_patch_;
    }
    const int64_t layer_begin = row.layer < 0 ? 0 : row.layer;
    const int64_t layer_end = row.layer < 0 ? l.n_layers : row.layer + 1;
    for (int64_t layer = layer_begin; layer < layer_end; ++layer)
      shards_->advise(row.image_i, layer, token, tokens, advice);
    i += rows;
  }
}

const float* RowView::stored(const Row& row) const {
  if (shards_->layout().dtype != StoredDtype::kFloat32) return nullptr;
  return static_cast<const float*>(token(row));
}

const void* RowView::token(const Row& row) const {
  if (row.layer < 0 || choice_.patches == Patches::kMeanPool) return nullptr;
  const int64_t token = choice_.patches == Patches::kCls ? 0 : first_patch_ + row.patch_i;
  return shards_->token(row.image_i, row.layer, token);
}

void RowView::read(const Row& row, float* out) const {
  const int64_t d = dim();
  const StoredDtype dtype = shards_->layout().dtype;
  if (const void* values = token(row)) return read_stored(dtype, values, d, out);
  const int64_t layer_begin = row.layer < 0 ? 0 : row.layer;
  const int64_t layer_end = row.layer < 0 ? shards_->layout().n_layers : row.layer + 1;
  int64_t token_begin = 0, token_end = 1;
  if (choice_.patches == Patches::kPatches)
    token_begin = first_patch_ + row.patch_i, token_end = token_begin + 1;
  if (choice_.patches == Patches::kMeanPool)
    token_begin = first_patch_, token_end = shards_->layout().n_tokens;
  std::vector<double> sum(static_cast<size_t>(d));
  std::vector<float> values(static_cast<size_t>(d));
  for (int64_t layer = layer_begin; layer < layer_end; ++layer) {
    for (int64_t token = token_begin; token < token_end; ++token) {
      read_stored(dtype, shards_->token(row.image_i, layer, token), d, values.data());
      for (int64_t c = 0; c < d; ++c) sum[static_cast<size_t>(c)] += values[static_cast<size_t>(c)];
    }
  }
  const auto n = static_cast<double>((layer_end - layer_begin) * (token_end - token_begin));
  for (int64_t c = 0; c < d; ++c) out[c] = static_cast<float>(sum[static_cast<size_t>(c)] / n);
}

}  // namespace saev

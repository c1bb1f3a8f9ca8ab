#pragma once
// Which rows a dataset takes of the tokens of one image, for images that come straight from the ViT. The same
// rows, to the bit, as RowView finds in shards.

#include <cstdint>

#include "io/row_view.h"

namespace saev {

/// What the ViT gives for an image: [n_layers, n_tokens, d_vit] float32, CLS first when there is one.
struct RecordedShape {
  int64_t n_layers = 0;
  int64_t n_tokens = 0;
  int64_t d_vit = 0;
  bool cls_token = false;

  int64_t floats_per_image() const { return n_layers * n_tokens * d_vit; }
};

class RecordedRows {
 public:
  /// Throws kInvalidArgument when an image lacks what `choice` asks for, or a size is not possible.
  RecordedRows(RecordedShape shape, RowChoice choice);

  const RecordedShape& shape() const { return shape_; }
  int64_t rows_per_image() const { return patches_ * layers_; }
  int64_t dim() const { return shape_.d_vit; }
  /// Patch of row `within` of an image, −1 when the row is no single patch.
  int64_t patch_of(int64_t within) const {
    return choice_.patches == Patches::kPatches ? within % patches_ : -1;
  }
  /// Writes all rows of an image, [rows_per_image, d_vit], means summed in double precision as RowView does.
  void read(const float* image, float* out) const;

 private:
  RecordedShape shape_;
  RowChoice choice_;
  int64_t first_patch_;
  int64_t patches_;  ///< rows for each layer that counts
  int64_t layers_;   ///< layers that are rows of their own
};

}  // namespace saev

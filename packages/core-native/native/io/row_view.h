#pragma once
// Which rows a dataset consists of: the nine combinations of `patches` × `layer`, and where each row lies.

#include <cstdint>
#include <vector>

#include "io/shard_reader.h"

namespace saev {

enum class Patches {
  kCls,       ///< one row an image: its CLS token
  kPatches,   ///< one row a patch
  kMeanPool,  ///< one row an image: the mean of its patches
};

enum class Layers {
  kOne,       ///< the recorded layer at RowChoice::layer
  kAll,       ///< every recorded layer is a row of its own
  kMeanPool,  ///< the mean over the recorded layers
};

struct RowChoice {
  Patches patches = Patches::kPatches;
  Layers layers = Layers::kOne;
  int64_t layer = 0;              ///< position among the recorded layers, for kOne
  std::vector<int64_t> left_out;  ///< images without activations, ascending
};

struct Row {
  int64_t index = 0;  ///< position among all rows, those of left-out images counted
  int64_t image_i = 0;
  int64_t patch_i = 0;  ///< −1 when the row is no single patch
  int64_t layer = 0;    ///< −1 when the row is a mean over layers
};

/// Rows are ordered by image, then layer, then patch: the order on disk.
class RowView {
 public:
  /// Throws kInvalidArgument when the shards lack what `choice` asks for.
  RowView(const ShardReader& shards, RowChoice choice);

  /// Rows, without those of left-out images.
  int64_t length() const { return length_; }
  /// Rows if no image were left out: the Python package's length, and the range of Row::index.
  int64_t full_length() const { return shards_->layout().n_imgs * rows_per_image_; }
  /// Rows of an image.
  int64_t rows_per_image() const { return rows_per_image_; }
  int64_t dim() const { return shards_->layout().d_vit; }

  /// Row number `i` of `length()`.
  Row at(int64_t i) const;
  /// Whether the row at `index` of `full_length()` belongs to an image that is there, and which row it is.
  bool is_present(int64_t index) const;
  Row at_index(int64_t index) const;

  /// Tells the system about what rows [begin, begin + n) are made of.
  void advise(int64_t begin, int64_t n, PageAdvice advice) const;

  /// Where the row's values lie, as the shards have them, when it is one token's; null when it is a mean.
  const void* token(const Row& row) const;
  /// Where they lie when they are float32; null when they have to be read.
  const float* stored(const Row& row) const;
  /// Writes the row's `dim()` values, means summed in double precision.
  void read(const Row& row, float* out) const;

 private:
  const ShardReader* shards_;
  RowChoice choice_;
  int64_t first_patch_;
  int64_t patches_per_row_group_;
  int64_t layers_per_image_;
  int64_t rows_per_image_;
  int64_t length_;
  std::vector<int64_t> present_;  ///< images that are there; empty when all are
};

}  // namespace saev

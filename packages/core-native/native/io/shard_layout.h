#pragma once
// How activations lie in a shard folder: C order [image, layer, token, d_vit], CLS first when there is one,
// in files acts000000.bin, acts000001.bin, … of equal size; the rest of the last one is zeros.

#include <cstdint>
#include <string>

#include "io/stored_dtype.h"

namespace saev {

struct ShardLayout {
  int64_t n_imgs = 0;    ///< images of the dataset
  int64_t n_layers = 0;  ///< recorded layers
  int64_t n_tokens = 0;  ///< patches, and one more with CLS
  int64_t d_vit = 0;
  int64_t n_imgs_per_shard = 0;
  StoredDtype dtype = StoredDtype::kFloat32;

  /// Throws kInvalidArgument unless all sizes are possible and no product overflows.
  void check() const;

  int64_t values_per_img() const { return n_layers * n_tokens * d_vit; }
  int64_t bytes_per_img() const { return values_per_img() * bytes_of(dtype); }
  int64_t bytes_per_shard() const { return n_imgs_per_shard * bytes_per_img(); }
  /// Files that the first `images` images take.
  int64_t n_shards(int64_t images) const { return (images + n_imgs_per_shard - 1) / n_imgs_per_shard; }
};

/// "acts000012.bin"
std::string shard_name(int64_t shard);

}  // namespace saev

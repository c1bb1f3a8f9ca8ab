#pragma once
// What the configs of all families have in common.

#include <cstdint>

#include "kernels/cpu/bias_gelu.h"
#include "vit/head.h"

namespace saev {

struct ModelSizes {
  int64_t height = 0, width = 0;              ///< pixels of an image
  int64_t patch_height = 0, patch_width = 0;  ///< pixels of a patch
  int64_t n_layers = 0;
  int64_t d_vit = 0;
  int64_t heads = 0;
  int64_t hidden = 0;  ///< of the MLP
  float eps = 1e-5f;   ///< of every layer norm
  Gelu gelu = Gelu::kErf;
  HeadConfig head;  ///< what comes after the last block

  int64_t n_patches() const { return (height / patch_height) * (width / patch_width); }
};

/// Throws Code::kBadFile for sizes that no model has, so that nothing is allocated by them.
void check_sizes(const ModelSizes& sizes);

/// Rotary positions turn pairs by two coordinates: a head's width must be a multiple of 4.
void check_rope_sizes(const ModelSizes& sizes);

/// Throws Code::kBadFile unless `value` lies between the two; `name` says what it counts.
void check_within(int64_t value, int64_t least, int64_t most, const char* name);

}  // namespace saev

#pragma once
// Sizes of a loaded vision transformer.

#include <cstdint>

namespace saev {

struct VisionShape {
  int64_t n_layers = 0;
  int64_t d_vit = 0;
  int64_t n_patches = 0;    ///< patches of an image, row by row from the top left
  bool has_cls = false;     ///< whether a CLS token comes before them
  int64_t n_registers = 0;  ///< tokens between CLS and patches, never recorded
  int64_t height = 0;       ///< pixels of the input
  int64_t width = 0;

  /// Tokens before the patches.
  int64_t n_prefix() const { return (has_cls ? 1 : 0) + n_registers; }
  /// Tokens inside the model.
  int64_t n_tokens() const { return n_prefix() + n_patches; }
  /// Tokens of an image in a record: CLS first, then patches.
  int64_t n_recorded() const { return (has_cls ? 1 : 0) + n_patches; }
};

}  // namespace saev

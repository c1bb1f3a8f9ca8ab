#pragma once
// A residual block on the tiled products of kernels/cpu/linear.h: bias, GELU, SwiGLU, LayerScale and the
// residual are added where the sums are, and queries, keys and values are read where they were written.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernels/cpu/linear.h"

namespace saev {

struct Block;

struct PackedBlock {
  PackedLinear qkv, proj, fc1, fc2;

  int64_t bytes() const { return qkv.bytes() + proj.bytes() + fc1.bytes() + fc2.bytes(); }
};

/// Rows of activations that products read, in their precision; `stride` keeps rows off one another's cache
/// sets.
struct PackedRows {
  AlignedArray<float> f32;
  AlignedArray<uint16_t> bf16;
  int64_t rows = 0, columns = 0, stride = 0;

  /// Makes room; kept when the sizes stay.
  void ensure(int64_t n, int64_t width, Precision precision);
  RowsView view();
};

/// Buffers that live as long as one pass through the blocks.
struct PackedScratch {
  PackedRows normed, hidden;
  at::Tensor qkv;
};

/// Why `block` cannot run in `precision` on tiles of ours, or null. Inner norms and post-norm blocks run on
/// the library's products.
const char* cannot_pack(const Block& block, Precision precision);

/// Packs the block's weights and gives up the four tensors they came from.
void pack_block(Block& block, Precision precision);

/// As `run_block`, for a block that `pack_block` packed.
void run_packed_block(const Block& block, at::Tensor& x, int64_t images, int64_t tokens,
                      PackedScratch& scratch);

}  // namespace saev

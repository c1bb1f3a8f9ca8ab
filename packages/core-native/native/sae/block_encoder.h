#pragma once
// What every kind's encoder shares: one row block packed, then one segment of latents after the other.

#include "kernels/cpu/encode_relu.h"
#include "sae/encode.h"

namespace saev {

class BlockEncoder {
 public:
  /// Packs block `block` of `input` into `scratch`, writing its part of `input.slices`.
  BlockEncoder(Level level, const Layout& layout, const EncodeInput& input, int64_t segment,
               EncodeScratch::Thread& scratch, int64_t block);

  int64_t rows() const { return n_; }
  int64_t n_segments() const { return n_segments_; }
  /// ‖x − shift‖ of row `r`.
  float norm(int64_t r) const;
  /// Per row: pre-activations above it are listed. Starts as 0.
  float* floor() { return scratch_.floor.data(); }
  /// Largest number of entries that segment `s` can yield.
  int64_t most(int64_t s) const;
  /// Lists of segment `s` to value and index, which have room for most(s) + kListSlack; bounds, counted from
  /// `first`, to ptr[0 … rows].
  void segment(int64_t s, float* value, uint16_t* index, int32_t* ptr, int32_t first);

 private:
  void pack_screened(const float* rows);
  void screened_segment(int64_t s, float* value, uint16_t* index, int32_t* ptr, int32_t first);

  Level level_;
  const Layout& layout_;
  const EncodeInput& input_;
  int64_t segment_, n_segments_, n_;
  EncodeScratch::Thread& scratch_;
};

}  // namespace saev

#pragma once
// What every kind's encoder shares: one row block packed, then one segment of latents after the other.

#include <functional>
#include <vector>

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

/// The row blocks of a task, each with a slot of the thread's. Whoever goes through the segments, and through
/// the blocks in each, finds W_enc's rows in the caches that the block before has fetched.
class BlockGroup {
 public:
  BlockGroup(Level level, const Layout& layout, const EncodeInput& input, int64_t segment,
             EncodeScratch& scratch, int thread, int64_t first, int64_t n);

  BlockEncoder& operator[](int64_t i) { return blocks_[static_cast<size_t>(i)]; }
  /// Slot of block `i` of a task of `thread`.
  static size_t slot(int thread, int64_t i) { return static_cast<size_t>(thread * kBlocksTogether + i); }

 private:
  std::vector<BlockEncoder> blocks_;
};

/// Adds segment `s` to the lists of the group's block `i`, which is block `first` + i of `out` and has `used`
/// entries so far. Returns how many it has then.
int32_t list_segment(BlockGroup& group, int64_t first, int64_t i, int64_t s, int32_t used, ActiveLists& out);

/// Calls work(first block, blocks, thread) for all blocks on all cores: kBlocksTogether at a time while there
/// is enough left for all, then fewer, so that no core is left without. Where nothing is screened, one at a
/// time: W_enc is then read in order, and the product is what takes the time. An abort throws Code::kAborted.
void block_tasks(const EncodeInput& input, int64_t n_blocks,
                 const std::function<void(int64_t first, int64_t n, int thread)>& work);

}  // namespace saev

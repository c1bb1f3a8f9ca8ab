#pragma once
// The rows of one or two blocks of images, filled by whoever runs the ViT while training reads: while one
// block is trained on, the next is recorded.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "core/aligned.h"
#include "core/job.h"
#include "io/recorded_rows.h"

namespace saev {

class LiveBuffer {
 public:
  /// Blocks are numbered from 0 in the order in which they are read; `images_of` says which images one has,
  /// at most `images_per_block`. `slots` blocks are in memory: that which is read and those after it.
  LiveBuffer(RecordedRows rows, int64_t images_per_block, int slots,
             std::function<std::vector<int64_t>(int64_t block)> images_of);

  const RecordedRows& rows() const { return rows_; }

  /// Reader: `block` is read from now on; earlier ones, and those far ahead, are given up.
  void aim(int64_t block);
  /// Reader: waits for a block and returns its rows, [images · rows_per_image, d_vit], ordered by image;
  /// valid until `aim` gives the block up. Throws what `fail` was told, Code::kAborted, Code::kDisposed after
  /// `close`.
  const float* wait(int64_t block, const Job& job);

  /// A block to be recorded.
  struct Want {
    int64_t block = 0;
    std::vector<int64_t> images;  ///< numbers of the dataset's images, in the order of the block
  };
  /// Writer, one at a time: waits until a block is missing. Nothing after `close`. Throws Code::kAborted, and
  /// kInvalidArgument while another one gives.
  std::optional<Want> want(const Job& job);
  /// Writer: tokens of images [first, first + n) of a wanted block, [n, layers, tokens, d_vit]. Images come
  /// in order. False when the block is not wanted any more. Throws kInvalidArgument for images out of turn.
  bool give(int64_t block, int64_t first, const float* tokens, int64_t n);
  /// Writer: no more will come, and why.
  void fail(const Error& why);
  /// Ends all waiting.
  void close();

  /// Bytes of the blocks in memory, at most.
  int64_t bytes() const;

 private:
  struct Slot {
    int64_t block = -1;
    int64_t images = 0;
    int64_t filled = 0;
    AlignedArray<float> rows;
  };
  bool wanted(int64_t block) const;
  Slot* find(int64_t block);

  RecordedRows rows_;
  int64_t images_per_block_;
  std::function<std::vector<int64_t>(int64_t)> images_of_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t at_ = 0;
  std::vector<Slot> slots_;
  std::optional<Error> failure_;
  bool closed_ = false;
  bool giving_ = false;  ///< so that a second writer is noticed
};

}  // namespace saev

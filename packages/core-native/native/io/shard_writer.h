#pragma once
// Records activations into a shard folder so that a run may die at any instant and be run again: the final
// files are those of an undisturbed run.
//
// A shard grows as acts000000.bin.part. After a batch, when a shard is full or some time has passed: (1) the
// part files are synced, (2) SHA256SUMS gets the digests of full parts, (3) saev.json says how many images
// are durable, (4) full parts are renamed to their final names. Whatever instant the power fails at,
// saev.json never promises more than the disk holds, and a full part without its final name is renamed by the
// next run. Positions are kept at the ends of batches only, so that a rerun feeds the ViT the same batches,
// and gets the same bits.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/sha256.h"
#include "io/checksums.h"
#include "io/folder_lock.h"
#include "io/shard_layout.h"
#include "io/shard_status.h"

namespace saev {

class ShardWriter {
 public:
  /// Opens or creates `folder` and writes metadata.json there unless it is there. `metadata` is its exact
  /// text. `compute_dtype`: see ShardStatus. Throws kIo when the folder is not writable or another process
  /// records into it, kBadFile when it holds other metadata or a damaged saev.json, kInvalidArgument when its
  /// images were computed in another dtype.
  ShardWriter(std::string folder, const std::string& metadata, const ShardLayout& layout,
              const std::string& compute_dtype = "float32");
  /// Keeps what is durable; a rerun goes on from there.
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  /// The first image that is not there yet: where to go on. n_imgs or less.
  int64_t next_image() const { return status_.images_done + pending_images_; }
  /// Whether an earlier run finished this folder: there is nothing to do.
  bool complete() const { return status_.complete; }
  const std::vector<int64_t>& holes() const { return status_.holes; }
  const ShardLayout& layout() const { return layout_; }

  /// The next `n` images, `acts` [n, n_layers, n_tokens, d_vit] in C order. `holes` are places within the
  /// batch, ascending: those images are stored as zeros and listed. One call is one batch of the ViT.
  /// Throws kIo when the disk is full or the file system refuses; after that the writer takes no more, and a
  /// rerun goes on after the last durable batch. Throws kNumeric when a value is too large for the layout's
  /// dtype; nothing of the batch is written then.
  void write(const float* acts, int64_t n, std::span<const int64_t> holes = {});
  /// Makes everything written so far durable. Happens by itself every two seconds and whenever a shard fills.
  void checkpoint();
  /// Seals the last shard with zeros and marks the folder complete. Fewer images than n_imgs are fine (the
  /// Python package counts every file of an image folder, images or not): the rest are no images.
  void finish();
  /// Marks the folder complete whose shards other writers recorded, in parts: all files of `images` images
  /// lie there under their final names, `sums` are their digests, `holes` ascending. Throws kInvalidArgument
  /// when this writer has images of its own, kBadFile when a file is missing or of another size.
  void adopt(int64_t images, std::vector<int64_t> holes, Checksums sums);

 private:
  std::string path_of(int64_t shard, bool part) const;
  void resume(const std::string& compute_dtype);
  bool finished_by_python() const;
  void open_part(int64_t shard);
  void hash_prefix(int64_t size, const std::string& path);
  const std::byte* as_stored(const float* acts, int64_t n, std::span<const int64_t> holes);
  void write_batch(const std::byte* acts, int64_t n, std::span<const int64_t> holes);
  void write_images(const std::byte* acts, int64_t n);
  template <typename Action>
  void guarded(Action action);
  void make_durable();
  void seal_last();
  void seal_full_parts();

  std::string folder_;
  ShardLayout layout_;
  std::optional<FolderLock> lock_;
  ShardStatus status_;          ///< what saev.json says
  int64_t pending_images_ = 0;  ///< written since, not yet durable
  std::vector<int64_t> pending_holes_;
  int part_fd_ = -1;
  int64_t part_ = -1;              ///< shard that part_fd_ is open on
  Sha256 hash_;                    ///< of the part's bytes so far
  Checksums sums_;                 ///< what SHA256SUMS says, and parts that filled since
  std::vector<int> full_fds_;      ///< parts that filled since the last checkpoint: unsynced
  int64_t first_unsealed_ = 0;     ///< shards before it have their final name
  std::vector<std::byte> stored_;  ///< a batch in the layout's dtype, where that is not float32
  bool failed_ = false;            ///< a write went wrong: what is pending may end in mid-batch
  std::chrono::steady_clock::time_point last_checkpoint_;
};

}  // namespace saev

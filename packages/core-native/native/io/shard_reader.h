#pragma once
// Shards as an array [image, layer, token, d_vit], mapped. Which bytes belong to an image is arithmetic;
// nothing is read until somebody looks.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/mapped_file.h"
#include "io/page_advice.h"
#include "io/read_guard.h"
#include "io/shard_layout.h"

namespace saev {

/// What metadata.json says, resolved by TypeScript.
struct RecordedShards {
  std::string dir;  ///< folder of acts000000.bin …
  ShardLayout layout;
  bool cls_token = true;    ///< token 0 is CLS
  bool short_last = false;  ///< whether the last file may end after its last image
};

class ShardReader {
 public:
  /// Maps every shard. Throws kNotFound for a missing file, kBadFile for one of another size than the
  /// layout's, kInvalidArgument for a layout that cannot be.
  explicit ShardReader(RecordedShards shards);

  const std::string& dir() const { return shards_.dir; }
  const ShardLayout& layout() const { return shards_.layout; }
  bool cls_token() const { return shards_.cls_token; }
  /// Where the `d_vit` values of one token lie, in the layout's dtype; indices are within the layout.
  const void* token(int64_t image, int64_t layer, int64_t token) const;
  /// Tells the system about `tokens` tokens of a layer of an image, from `token` on.
  void advise(int64_t image, int64_t layer, int64_t token, int64_t tokens, PageAdvice advice) const;
  /// Throws kBadFile when a shard became shorter since it was mapped: reading it would end the process. One
  /// stat a file; with thousands of files it looks again only when that costs at most 5 % of the time.
  void check_unchanged() const;
  /// Throws when what was read since the shards were mapped may be zeros that the disk did not hold: kBadFile
  /// for a file that was cut, else kIo, and does so from then on.
  void check_read() const;

 private:
  RecordedShards shards_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::vector<std::unique_ptr<const ReadGuard>> guards_;  ///< of `files_`, and gone before them
  mutable std::atomic<int64_t> next_check_{0};            ///< nanoseconds of the steady clock
};

}  // namespace saev

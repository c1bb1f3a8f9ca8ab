#pragma once
// What we know of a shard folder beyond the Python package's files, kept in a file of our own, saev.json:
// whether the recording is complete, how far it is, and which images have no activations.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saev {

inline constexpr const char* kStatusFile = "saev.json";

struct ShardStatus {
  bool complete = false;
  int64_t images_done = 0;     ///< images [0, images_done) are on disk, durably
  std::vector<int64_t> holes;  ///< ascending; images that could not be read, stored as zeros
  /// What the model's products multiplied; said in the file unless it is float32. The values stored are
  /// float32 all the same.
  std::string compute_dtype = "float32";
};

/// Nothing when the folder has no saev.json, as those of the Python package. Throws kBadFile for a damaged
/// one.
std::optional<ShardStatus> read_shard_status(const std::string& folder);
/// The text of such a file; `path` for messages.
ShardStatus parse_shard_status(std::string_view text, const std::string& path);
/// Atomically and durably.
void write_shard_status(const std::string& folder, const ShardStatus& status);

}  // namespace saev

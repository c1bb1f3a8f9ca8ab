#pragma once
// Which tensors a file of torch.save holds and where their elements lie, by our own pickle reader, with every
// number checked against the bytes at hand. Needs nothing of torch; torch_archive.h makes tensors of it.

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/pickle.h"

namespace saev {

/// Where the elements of one storage lie.
struct TorchRecord {
  size_t offset = 0;        ///< from the start of the file
  uint64_t size = 0;        ///< bytes, unpacked
  bool deflated = false;    ///< otherwise stored as it is
  uint64_t compressed = 0;  ///< bytes in the file, of a deflated one
  uint32_t crc = 0;         ///< of a deflated one
};

struct TorchIndex {
  /// Keys of the saved dict; members of nested dicts, lists and tuples are joined with "."; a file that is
  /// one tensor holds it under "". What is no tensor is left out.
  std::vector<std::string> names;
  std::set<std::string> nested;  ///< dicts within it that hold tensors
  std::unordered_map<std::string, TensorRef> tensors;
  std::unordered_map<std::string, TorchRecord> records;  ///< by storage key
};

/// Whether the bytes at the start of the file look like torch's, zip or stream.
bool looks_like_torch(std::span<const std::byte> file);

/// The archive at `offset` of `file`: zip (since torch 1.6) or stream of pickles. Throws kBadFile or
/// kUnsupported, `path` in front.
TorchIndex read_torch_index(std::span<const std::byte> file, size_t offset, const std::string& path);

/// Adds the tensors below `root` to `index`, whose records are known; each must lie within its record.
void collect_tensors(const PickleNode& root, const std::string& path, TorchIndex& index);

}  // namespace saev

#pragma once
// The header of a safetensors file: 8 bytes of length (little-endian), then JSON that names each tensor's
// dtype, shape and byte range in the data behind it. Needs the bytes and nothing of torch.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/dtypes.h"

namespace saev {

struct SafetensorsHeader {
  struct Entry {
    const FileDtype* dtype = nullptr;
    std::vector<int64_t> shape;
    int64_t numel = 0;
    size_t offset = 0;  ///< from the start of the file
  };
  std::vector<std::string> names;  ///< in the order of the file
  std::map<std::string, Entry> entries;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// Every range is checked against `bytes`, the whole file. Throws kBadFile or kUnsupported, `path` in front.
SafetensorsHeader read_safetensors_header(std::span<const std::byte> bytes, const std::string& path);

/// The key of the free text, which is no tensor.
inline constexpr const char* kSafetensorsMetadata = "__metadata__";

}  // namespace saev

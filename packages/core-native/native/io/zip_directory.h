#pragma once
// The directory of a zip file in memory: names, sizes, where the bytes are. Every number is checked against
// the bytes at hand before it is used. Zip64 is understood; encryption and parts are refused.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace saev {

struct ZipEntry {
  std::string name;
  bool deflated = false;    ///< otherwise stored as it is
  uint64_t offset = 0;      ///< of the data, from the start of the span
  uint64_t compressed = 0;  ///< bytes in the file
  uint64_t size = 0;        ///< bytes when unpacked
  uint32_t crc = 0;         ///< of the unpacked bytes
};

/// Whether the bytes begin like a zip file.
bool is_zip(std::span<const std::byte> bytes);
/// Throws kBadFile or kUnsupported, with `where` in front.
std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> bytes, const std::string& where);

}  // namespace saev

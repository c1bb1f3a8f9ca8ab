#pragma once
// DEFLATE (RFC 1951), as records of zip files are packed. torch.save stores its records; they are packed only
// when somebody wrote the archive anew.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace saev {

/// Unpacks `packed` to exactly `out.size()` bytes, whose CRC-32 must be `crc`. Throws kBadFile, `where` in
/// front, for anything else.
void inflate(std::span<const std::byte> packed, std::span<std::byte> out, uint32_t crc,
             const std::string& where);

}  // namespace saev

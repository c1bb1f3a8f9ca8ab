#pragma once

#include <cstddef>
#include <cstdint>

namespace saev {

/// CRC-32 as zip files use it, continuing from `crc` (0 at first).
uint32_t crc32(uint32_t crc, const void* data, size_t n);

}  // namespace saev

#include "core/crc32.h"

#include <string>

#include "test/check.h"

TEST(crc32_is_that_of_zip) {
  const std::string text = "123456789";
  CHECK(saev::crc32(0, text.data(), text.size()) == 0xcbf43926U);
  // In pieces, and over every alignment.
  std::string bytes(1000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31);
  const uint32_t whole = saev::crc32(0, bytes.data(), bytes.size());
  for (const size_t cut : {0, 1, 7, 8, 9, 500, 999}) {
    const uint32_t first = saev::crc32(0, bytes.data(), cut);
    CHECK(saev::crc32(first, bytes.data() + cut, bytes.size() - cut) == whole);
  }
}

#include "io/zip_directory.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "core/error.h"
#include "io/json.h"

namespace saev {
namespace {

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                   kLocator64 = 0x07064b50;
constexpr size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
constexpr size_t kMaxComment = 65535;

/// Little-endian numbers at checked places.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Code::kBadFile, where_ + ": " + what + "; the file is damaged or cut short");
  }
  size_t size() const { return bytes_.size(); }
  void require(uint64_t at, uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) fail("its zip directory points outside the file");
  }
  template <typename T>
  T read(uint64_t at) const {
    require(at, sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  std::string text(uint64_t at, size_t size) const {
    require(at, size);
    return {reinterpret_cast<const char*>(bytes_.data()) + at, size};
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
};

struct Directory {
  uint64_t offset, size, count;
};

Directory find_directory(const Reader& in) {
  if (in.size() < kEndSize) in.fail("no zip directory");
  std::optional<size_t> end;
  const size_t last = in.size() - kEndSize;
  for (size_t back = 0; back <= std::min(last, kMaxComment); ++back) {
    if (in.read<uint32_t>(last - back) == kEnd) {
      end = last - back;
      break;
    }
  }
  if (!end) in.fail("no zip directory at its end");
  Directory d{in.read<uint32_t>(*end + 16), in.read<uint32_t>(*end + 12), in.read<uint16_t>(*end + 10)};
  const bool wide = d.offset == UINT32_MAX || d.size == UINT32_MAX || d.count == UINT16_MAX;
  if (wide && *end >= kLocator64Size && in.read<uint32_t>(*end - kLocator64Size) == kLocator64) {
    const auto at = in.read<uint64_t>(*end - kLocator64Size + 8);
    in.require(at, kEnd64Size);
    if (in.read<uint32_t>(at) != kEnd64) in.fail("its zip64 directory is not where it should be");
    d = {in.read<uint64_t>(at + 48), in.read<uint64_t>(at + 40), in.read<uint64_t>(at + 32)};
  }
  in.require(d.offset, d.size);
  if (d.count > d.size / kCentralSize) in.fail("its zip directory claims more entries than it has room for");
  return d;
}

/// Sizes and offset of an entry whose 32-bit fields are full, from its zip64 extra field.
void read_wide_fields(const Reader& in, uint64_t extra, size_t extra_size, ZipEntry& entry, uint64_t& local) {
  const uint64_t end = extra + extra_size;
  while (extra + 4 <= end) {
    const auto id = in.read<uint16_t>(extra);
    const auto size = in.read<uint16_t>(extra + 2);
    extra += 4;
    if (extra + size > end) in.fail("an extra field of its zip directory is too long");
    if (id == 1) {
      uint64_t at = extra;
      for (uint64_t* field : {&entry.size, &entry.compressed, &local}) {
        if (*field != UINT32_MAX) continue;
        if (at + 8 > extra + size) in.fail("a zip64 field is too short");
        *field = in.read<uint64_t>(at);
        at += 8;
      }
      return;
    }
    extra += size;
  }
}

}  // namespace

bool is_zip(std::span<const std::byte> bytes) {
  uint32_t magic = 0;
  if (bytes.size() < kEndSize) return false;
  std::memcpy(&magic, bytes.data(), sizeof magic);
  return magic == kLocal || magic == kEnd;
}

std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> bytes, const std::string& where) {
  const Reader in(bytes, where);
  const Directory directory = find_directory(in);
  std::vector<ZipEntry> entries;
  std::unordered_set<std::string> names;
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.count; ++i) {
    if (in.read<uint32_t>(at) != kCentral)
      in.fail("entry " + std::to_string(i) + " of its zip directory is no entry");
    const auto flags = in.read<uint16_t>(at + 8);
    const auto method = in.read<uint16_t>(at + 10);
    const size_t name_size = in.read<uint16_t>(at + 28), extra_size = in.read<uint16_t>(at + 30),
                 comment_size = in.read<uint16_t>(at + 32);
    ZipEntry entry;
    entry.crc = in.read<uint32_t>(at + 16);
    entry.compressed = in.read<uint32_t>(at + 20);
    entry.size = in.read<uint32_t>(at + 24);
    uint64_t local = in.read<uint32_t>(at + 42);
    entry.name = in.text(at + kCentralSize, name_size);
    in.require(at + kCentralSize + name_size, extra_size);
    read_wide_fields(in, at + kCentralSize + name_size, extra_size, entry, local);
    if ((flags & 1) != 0 || (method != 0 && method != 8)) {
      throw Error(Code::kUnsupported, where + ": record " + shown(entry.name) +
                                          " is encrypted or packed in a way that torch does not use");
    }
    entry.deflated = method == 8;
    if (in.read<uint32_t>(local) != kLocal)
      in.fail("record " + shown(entry.name) + " is not where it should be");
    entry.offset = local + kLocalSize + in.read<uint16_t>(local + 26) + in.read<uint16_t>(local + 28);
    in.require(entry.offset, entry.compressed);
    if (!entry.deflated && entry.size != entry.compressed)
      in.fail("record " + shown(entry.name) + " has two sizes");
    if (!names.insert(entry.name).second) in.fail("record " + shown(entry.name) + " occurs twice");
    at += kCentralSize + name_size + extra_size + comment_size;
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace saev

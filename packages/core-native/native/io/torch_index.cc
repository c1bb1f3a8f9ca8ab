#include "io/torch_index.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "core/error.h"
#include "io/inflate.h"
#include "io/json.h"
#include "io/zip_directory.h"

namespace saev {
namespace {

/// Deflated records that grow more than this, and beyond kFreelyUnpacked, are taken for an attack.
constexpr uint64_t kMaxInflation = 100, kFreelyUnpacked = uint64_t{64} << 20;
constexpr char kStreamMagic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int64_t kStreamProtocol = 1001;

bool has_text(std::span<const std::byte> bytes, size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

/// Refuses archives that would unpack to far more than they are, one record or all: entries may share their
/// bytes.
void refuse_bombs(const std::vector<ZipEntry>& entries, uint64_t archive, const std::string& path) {
  const auto refuse = [&path](const std::string& what, uint64_t size, uint64_t from) {
    if (size <= kFreelyUnpacked || size / kMaxInflation <= from) return;
    throw Error(Code::kBadFile, path + ": " + what + " would unpack to " + std::to_string(size) +
                                    " bytes from " + std::to_string(from) + "; refused");
  };
  uint64_t all = 0;
  for (const ZipEntry& e : entries) {
    if (!e.deflated) continue;
    refuse("record " + shown(e.name), e.size, e.compressed);
    if (__builtin_add_overflow(all, e.size, &all)) all = UINT64_MAX;
  }
  refuse("its records", all, archive);
}

void read_zip(std::span<const std::byte> archive, size_t offset, const std::string& path, TorchIndex& index) {
  const auto entries = read_zip_directory(archive, path);
  const ZipEntry* pickle = nullptr;
  for (const ZipEntry& e : entries) {
    const size_t slash = e.name.find('/');
    if (slash != std::string::npos && e.name.substr(slash) == "/data.pkl") pickle = &e;
  }
  if (pickle == nullptr) throw Error(Code::kBadFile, path + " is a zip file, but none that torch.save wrote");
  const std::string prefix = pickle->name.substr(0, pickle->name.find('/') + 1);
  refuse_bombs(entries, archive.size(), path);
  // What is deflated is unpacked into `unpacked`; the rest is read where it lies.
  std::vector<std::byte> unpacked;
  const auto content = [&](const ZipEntry& e) -> std::span<const std::byte> {
    if (!e.deflated) return archive.subspan(e.offset, e.size);
    unpacked.resize(e.size);
    inflate(archive.subspan(e.offset, e.compressed), unpacked, e.crc, path + ": record " + shown(e.name));
    return unpacked;
  };
  for (const ZipEntry& e : entries) {
    if (e.name.rfind(prefix, 0) != 0) continue;
    const std::string name = e.name.substr(prefix.size());
    if (name == "constants.pkl" || name.rfind("code/", 0) == 0) {
      throw Error(Code::kUnsupported, path +
                                          " is a TorchScript program; in Python, save its tensors: "
                                          "torch.save(torch.jit.load(path).state_dict(), out)");
    }
    if (name == "byteorder" && e.size <= 16) {
      if (!has_text(content(e), 0, "little")) {
        throw Error(Code::kUnsupported, path + " was written on a big-endian machine");
      }
    }
    if (name.rfind("data/", 0) == 0) {
      index.records[name.substr(5)] = {offset + e.offset, e.size, e.deflated, e.compressed, e.crc};
    }
  }
  PickleReader reader(content(*pickle), path);
  collect_tensors(*reader.read(), path, index);
}

void read_stream(std::span<const std::byte> bytes, size_t offset, const std::string& path,
                 TorchIndex& index) {
  PickleReader reader(bytes, path);
  const NodePtr magic = reader.read();
  if (!magic->is(PickleNode::Kind::kOpaque) || magic->text != std::string(kStreamMagic, 10)) {
    throw Error(Code::kBadFile, path + " is a pickle, but none that torch.save wrote");
  }
  const NodePtr protocol = reader.read();
  if (!protocol->is(PickleNode::Kind::kInt) || protocol->integer != kStreamProtocol) {
    throw Error(Code::kUnsupported, path + " is in a version of torch's format that is not known");
  }
  const NodePtr system = reader.read();
  for (const auto& [key, value] : system->pairs) {
    if (key->text == "little_endian" && value->integer == 0) {
      throw Error(Code::kUnsupported, path + " was written on a big-endian machine");
    }
  }
  const NodePtr root = reader.read();
  const NodePtr keys = reader.read();
  size_t at = reader.position();
  for (const NodePtr key : keys->items) {
    // Every storage: its number of elements, then the elements.
    const auto known = reader.storages().find(key->text);
    if (!key->is(PickleNode::Kind::kString) || known == reader.storages().end()) {
      throw Error(Code::kBadFile, path + ": a storage belongs to no tensor; the file is damaged");
    }
    const StorageRef& storage = known->second;
    const uint64_t item = storage.dtype == nullptr ? 1 : static_cast<uint64_t>(storage.dtype->size);
    int64_t numel = 0;
    if (bytes.size() - at < sizeof numel) throw Error(Code::kBadFile, path + " is cut short");
    std::memcpy(&numel, bytes.data() + at, sizeof numel);
    at += sizeof numel;
    if (numel != storage.numel || static_cast<uint64_t>(numel) > (bytes.size() - at) / item) {
      throw Error(Code::kBadFile, path + ": storage " + shown(key->text) + " should hold " +
                                      std::to_string(storage.numel) +
                                      " elements; the file is damaged or cut short");
    }
    index.records[key->text] = {offset + at, static_cast<uint64_t>(numel) * item};
    at += static_cast<size_t>(numel) * item;
  }
  collect_tensors(*root, path, index);
}

}  // namespace

bool looks_like_torch(std::span<const std::byte> bytes) {
  // The length in front of a safetensors header may look like anything, but then '{' follows.
  if (bytes.size() < 9 || bytes[8] == std::byte{'{'}) return false;
  return is_zip(bytes) || (bytes[0] == std::byte{0x80} && bytes[1] <= std::byte{5}) ||
         has_text(bytes, 257, "ustar");
}

TorchIndex read_torch_index(std::span<const std::byte> file, size_t offset, const std::string& path) {
  if (offset >= file.size()) {
    throw Error(Code::kBadFile, path + ": expected a torch archive at byte " + std::to_string(offset) +
                                    ", found the end of the file; it is cut short");
  }
  TorchIndex index;
  const auto bytes = file.subspan(offset);
  if (is_zip(bytes)) {
    read_zip(bytes, offset, path, index);
  } else if (has_text(bytes, 257, "ustar")) {
    throw Error(Code::kUnsupported,
                path + " is in the tar format of torch before 0.1.10; load and save it with a newer torch");
  } else if (bytes[0] == std::byte{0x80}) {
    read_stream(bytes, offset, path, index);
  } else {
    throw Error(Code::kBadFile, path + ": expected a torch archive at byte " + std::to_string(offset) +
                                    ", found something else");
  }
  return index;
}

}  // namespace saev

#include "io/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "io/json.h"
#include "io/numel.h"

namespace saev {
namespace {
constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeader = 100'000'000;  ///< the format's own limit
}  // namespace

SafetensorsHeader read_safetensors_header(std::span<const std::byte> bytes, const std::string& path) {
  SafetensorsHeader out;
  const auto bad = [&path](const std::string& what) { return Error(Code::kBadFile, path + ": " + what); };
  if (bytes.size() < kLengthBytes + 2) {
    throw bad("expected a file of tensors (safetensors or torch), found " + std::to_string(bytes.size()) +
              " bytes; is the download complete?");
  }
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), kLengthBytes);
  const char* text = reinterpret_cast<const char*>(bytes.data()) + kLengthBytes;
  if (text[0] != '{') throw bad("expected a file of tensors (safetensors or torch), found something else");
  if (header > kMaxHeader || header > bytes.size() - kLengthBytes) {
    throw bad("the safetensors header claims " + std::to_string(header) + " bytes, and the file has " +
              std::to_string(bytes.size()) + "; the file is damaged or cut short");
  }
  const size_t data_start = kLengthBytes + header;
  const uint64_t data_size = bytes.size() - data_start;
  const Json root = parse_json({text, header}, path + " (safetensors header)");
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto& [name, value] : root.object) {
    if (name == kSafetensorsMetadata) {
      for (const auto& [key, text_value] : value.object) {
        if (text_value.kind != Json::Kind::kString) throw bad("__metadata__ may hold strings only");
        out.metadata.emplace_back(key, text_value.text);
      }
      continue;
    }
    const std::string who = "tensor " + shown(name);
    const Json* dtype = value.get("dtype");
    const Json* shape = value.get("shape");
    const Json* offsets = value.get("data_offsets");
    if (dtype == nullptr || shape == nullptr || offsets == nullptr || shape->kind != Json::Kind::kArray ||
        offsets->array.size() != 2) {
      throw bad(who + " lacks dtype, shape or data_offsets");
    }
    const FileDtype* known = dtype_by_safetensors(dtype->text);
    if (known == nullptr) {
      throw Error(Code::kUnsupported, path + ": " + who + " has dtype " + shown(dtype->text) +
                                          ", which this build does not read");
    }
    SafetensorsHeader::Entry entry{known, {}, 0, 0};
    for (const Json& size : shape->array) entry.shape.push_back(size.whole());
    entry.numel = checked_numel(entry.shape);
    int64_t size = 0;
    const int64_t item = known->size;
    if (entry.numel < 0 || entry.shape.size() > 64 || __builtin_mul_overflow(entry.numel, item, &size)) {
      throw bad(who + " has an impossible shape");
    }
    const int64_t begin = offsets->array[0].whole(), end = offsets->array[1].whole();
    if (begin < 0 || end < begin || static_cast<uint64_t>(end) > data_size) {
      throw bad(who + " lies at bytes " + shown(offsets->array[0].text) + " to " +
                shown(offsets->array[1].text) + " of " + std::to_string(data_size) +
                "; the file is damaged or cut short");
    }
    if (end - begin != size) {
      throw bad(who + " needs " + std::to_string(size) + " bytes by its shape and has " +
                std::to_string(end - begin));
    }
    entry.offset = data_start + static_cast<size_t>(begin);
    if (size > 0) ranges.emplace_back(begin, end);
    out.names.push_back(name);
    out.entries.emplace(name, std::move(entry));
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) throw bad("two tensors share bytes of the file");
  }
  return out;
}

}  // namespace saev

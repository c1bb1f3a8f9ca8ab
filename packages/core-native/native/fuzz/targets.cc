#include "fuzz/targets.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/crc32.h"
#include "core/error.h"
#include "io/checksums.h"
#include "io/inflate.h"
#include "io/json.h"
#include "io/pickle.h"
#include "io/pickled_config.h"
#include "io/safetensors_header.h"
#include "io/shard_status.h"
#include "io/torch_index.h"
#include "io/zip_directory.h"

namespace saev::fuzz {
namespace {

const std::string kWhere = "the file";

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

void json(Bytes bytes) {
  expect_clear([&] {
    const Json value = parse_json(text_of(bytes), kWhere);
    // What a reader makes of it: text back into JSON, numbers, members by name.
    require(parse_json(json_string(value.text), kWhere).text == value.text, "a string did not come back");
    (void)value.whole();
    for (const auto& [key, member] : value.object)
      require(value.get(key) == &member, "a member is not found");
  });
}

void pickle(Bytes bytes) {
  expect_clear([&] {
    PickleReader reader(bytes, kWhere);
    while (reader.position() < bytes.size()) (void)reader.read();
    require(reader.position() == bytes.size(), "a pickle read beyond its end");
  });
  // The same bytes where a dataset's config is expected.
  expect_clear([&] {
    const PickledConfig config = read_pickled_config(bytes, kWhere);
    require(config.fields.size() <= kMaxConfigFields, "more fields than a config has");
    for (const auto& [name, value] : config.fields)
      require(std::max(name.size(), value.size()) <= kMaxConfigText, "a field longer than any path");
  });
}

void zip(Bytes bytes) {
  if (!is_zip(bytes)) return;
  expect_clear([&] {
    for (const ZipEntry& entry : read_zip_directory(bytes, kWhere)) {
      require(entry.offset <= bytes.size() && entry.compressed <= bytes.size() - entry.offset,
              "a record lies outside the file");
      require(entry.deflated || entry.size == entry.compressed, "a stored record has two sizes");
    }
  });
}

/// Four bytes of size, then what is packed. The checksum must fail or fit; both are tried.
void unpack(Bytes bytes) {
  if (bytes.size() < 4) return;
  uint32_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  std::vector<std::byte> out(size % 65536);
  expect_clear([&] {
    try {
      inflate(bytes.subspan(4), out, 0, kWhere);
    } catch (const Error&) {
      inflate(bytes.subspan(4), out, crc32(0, out.data(), out.size()), kWhere);
    }
  });
}

void safetensors(Bytes bytes) {
  expect_clear([&] {
    const SafetensorsHeader header = read_safetensors_header(bytes, kWhere);
    for (const std::string& name : header.names) {
      const auto& entry = header.entries.at(name);
      const uint64_t size = static_cast<uint64_t>(entry.numel) * static_cast<uint64_t>(entry.dtype->size);
      require(entry.offset <= bytes.size() && size <= bytes.size() - entry.offset,
              "a tensor lies outside the file");
    }
  });
}

void torch_index(Bytes bytes, size_t offset) {
  expect_clear([&] {
    const TorchIndex index = read_torch_index(bytes, offset, kWhere);
    for (const std::string& name : index.names) {
      const TensorRef& tensor = index.tensors.at(name);
      const TorchRecord& record = index.records.at(tensor.storage.key);
      const uint64_t stored = record.deflated ? record.compressed : record.size;
      require(record.offset <= bytes.size() && stored <= bytes.size() - record.offset,
              "a record lies outside the file");
      int64_t last = tensor.offset;
      bool empty = false;
      for (size_t d = 0; d < tensor.sizes.size(); ++d) {
        empty = empty || tensor.sizes[d] == 0;
        last += (tensor.sizes[d] - 1) * tensor.strides[d];
      }
      require(empty || static_cast<uint64_t>(last) < record.size / static_cast<uint64_t>(tensor.dtype->size),
              "a tensor lies outside its record");
    }
  });
}

void torch_zip(Bytes bytes) {
  if (is_zip(bytes)) torch_index(bytes, 0);
}

void torch_stream(Bytes bytes) {
  if (!is_zip(bytes)) torch_index(bytes, 0);
}

/// The tensors of an SAE's checkpoint; its line of JSON is read in TypeScript.
void sae_pt(Bytes bytes) {
  torch_index(bytes, behind_first_line(bytes));
}

void shard_status(Bytes bytes) {
  expect_clear([&] {
    const ShardStatus status = parse_shard_status(text_of(bytes), kWhere);
    require(std::is_sorted(status.holes.begin(), status.holes.end()), "holes are not ascending");
    require(status.holes.empty() || status.holes.back() < status.images_done, "a hole was never recorded");
  });
}

void checksums(Bytes bytes) {
  expect_clear([&] {
    for (const auto& [shard, hex] : parse_checksums(text_of(bytes)))
      require(shard >= 0 && hex.size() == 64, "a checksum is none");
  });
}

}  // namespace

const std::vector<Target>& parser_targets() {
  static const std::vector<Target> targets = {{"json", json},
                                              {"pickle", pickle},
                                              {"zip", zip},
                                              {"inflate", unpack},
                                              {"torch-zip", torch_zip},
                                              {"torch-stream", torch_stream},
                                              {"safetensors", safetensors},
                                              {"sae-pt", sae_pt},
                                              {"shard-status", shard_status},
                                              {"checksums", checksums}};
  return targets;
}

void expect_clear(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& e) {
    require(e.code() == Code::kBadFile || e.code() == Code::kUnsupported, "an error with another code");
    const std::string_view text = e.what();
    require(std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < 0x20; }),
            "an error of several lines");
    require(text.size() < 2000, "an error that nobody reads to the end");
  }
}

size_t behind_first_line(Bytes bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), std::byte{'\n'});
  return end == bytes.end() ? 0 : static_cast<size_t>(end - bytes.begin()) + 1;
}

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace saev::fuzz

#include "io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>
#include <utility>

#include "core/error.h"
#include "io/atomic_file.h"
#include "io/dtypes.h"
#include "io/json.h"

namespace saev {
namespace {
constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeader = 100'000'000;  ///< the format's own limit
constexpr const char* kMetadataKey = "__metadata__";
}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path)
    : SafetensorsFile(MappedFile::open(path, MappedFile::Access::kCopyOnWrite)) {}

SafetensorsFile::SafetensorsFile(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {
  read_header();
}

void SafetensorsFile::read_header() {
  const std::string& path = file_->path();
  const auto bytes = file_->bytes();
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
    if (name == kMetadataKey) {
      for (const auto& [key, text_value] : value.object) {
        if (text_value.kind != Json::Kind::kString) throw bad("__metadata__ may hold strings only");
        metadata_.emplace_back(key, text_value.text);
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
    Entry entry{known->type, {}, 0, 0};
    for (const Json& size : shape->array) entry.shape.push_back(size.whole());
    entry.numel = checked_numel(entry.shape);
    int64_t size = 0;
    const int64_t item = static_cast<int64_t>(c10::elementSize(entry.type));
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
    names_.push_back(name);
    entries_.emplace(name, std::move(entry));
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) throw bad("two tensors share bytes of the file");
  }
}

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found != entries_.end()) return found->second;
  throw Error(Code::kNotFound, file_->path() + " holds no tensor " + shown(name) + "; it holds " +
                                   std::to_string(names_.size()) +
                                   (names_.empty() ? "" : ", the first is " + shown(names_.front())));
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const Entry& e = entry(name);
  file_->check_unchanged();
  return map_elements(file_, e.offset, e.numel, e.type).view(e.shape);
}

std::string safetensors_header(const std::vector<TensorPlan>& tensors,
                               const std::vector<std::pair<std::string, std::string>>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    header += json_string(kMetadataKey) + ":{";
    for (size_t i = 0; i < metadata.size(); ++i) {
      header += (i ? "," : "") + json_string(metadata[i].first) + ":" + json_string(metadata[i].second);
    }
    header += "}";
  }
  std::set<std::string> seen;
  int64_t offset = 0;
  for (const TensorPlan& t : tensors) {
    if (t.name == kMetadataKey || !seen.insert(t.name).second) {
      throw Error(Code::kInvalidArgument, "tensor names must differ: " + shown(t.name) + " cannot be used");
    }
    const FileDtype* dtype = dtype_by_type(t.type);
    if (dtype == nullptr) {
      throw Error(Code::kUnsupported, "tensor " + shown(t.name) + ": safetensors has no such dtype");
    }
    header += header.size() > 1 ? "," : "";
    header += json_string(t.name) + ":{\"dtype\":\"" + dtype->safetensors + "\",\"shape\":[";
    for (size_t d = 0; d < t.shape.size(); ++d) header += (d ? "," : "") + std::to_string(t.shape[d]);
    const int64_t end = offset + t.bytes();
    header += "],\"data_offsets\":[" + std::to_string(offset) + "," + std::to_string(end) + "]}";
    offset = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header;
}

int64_t TensorPlan::bytes() const {
  int64_t n = static_cast<int64_t>(c10::elementSize(type));
  for (const int64_t size : shape) n *= size;
  return n;
}

void write_safetensors(const std::string& path, const NamedTensors& tensors,
                       const std::vector<std::pair<std::string, std::string>>& metadata) {
  // Wide elements first keeps every tensor aligned without gaps, which the format forbids.
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return tensors[a].second.element_size() > tensors[b].second.element_size();
  });
  std::vector<TensorPlan> plan;
  for (const size_t i : order) {
    const auto& [name, tensor] = tensors[i];
    plan.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
  }
  const std::string header = safetensors_header(plan, metadata);
  AtomicFile file(path);
  file.write(header);
  for (const size_t i : order) {
    const at::Tensor contiguous = tensors[i].second.cpu().contiguous();
    file.write(contiguous.const_data_ptr(), contiguous.nbytes());
  }
  file.commit();
}

}  // namespace saev

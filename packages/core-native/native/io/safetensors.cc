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

SafetensorsFile::SafetensorsFile(const std::string& path)
    : SafetensorsFile(MappedFile::open(path, MappedFile::Access::kCopyOnWrite)) {}

SafetensorsFile::SafetensorsFile(std::shared_ptr<const MappedFile> file)
    : file_(std::move(file)), header_(read_safetensors_header(file_->bytes(), file_->path())) {}

const SafetensorsHeader::Entry& SafetensorsFile::entry(const std::string& name) const {
  const auto found = header_.entries.find(name);
  if (found != header_.entries.end()) return found->second;
  throw Error(Code::kNotFound,
              file_->path() + " holds no tensor " + shown(name) + "; it holds " +
                  std::to_string(header_.names.size()) +
                  (header_.names.empty() ? "" : ", the first is " + shown(header_.names.front())));
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const SafetensorsHeader::Entry& e = entry(name);
  file_->check_unchanged();
  return map_elements(file_, e.offset, e.numel, e.dtype->type).view(e.shape);
}

std::string safetensors_header(const std::vector<TensorPlan>& tensors,
                               const std::vector<std::pair<std::string, std::string>>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    header += json_string(kSafetensorsMetadata) + ":{";
    for (size_t i = 0; i < metadata.size(); ++i) {
      header += (i ? "," : "") + json_string(metadata[i].first) + ":" + json_string(metadata[i].second);
    }
    header += "}";
  }
  std::set<std::string> seen;
  int64_t offset = 0;
  for (const TensorPlan& t : tensors) {
    if (t.name == kSafetensorsMetadata || !seen.insert(t.name).second) {
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

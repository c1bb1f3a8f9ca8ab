#pragma once
// safetensors as tensors on the mapped file (safetensors_header.h reads the header), and the writer. The
// format promises no alignment of the data.

#include <memory>
#include <string>
#include <vector>

#include "io/safetensors_header.h"
#include "io/tensor_file.h"

namespace saev {

class SafetensorsFile final : public TensorFile {
 public:
  explicit SafetensorsFile(const std::string& path);
  explicit SafetensorsFile(std::shared_ptr<const MappedFile> file);

  const std::vector<std::string>& names() const override { return header_.names; }
  bool contains(const std::string& name) const override { return header_.entries.count(name) != 0; }
  at::Tensor tensor(const std::string& name) const override;
  const std::vector<std::pair<std::string, std::string>>& metadata() const override {
    return header_.metadata;
  }

  /// Sizes without touching the data.
  const std::vector<int64_t>& shape(const std::string& name) const { return entry(name).shape; }
  at::ScalarType dtype(const std::string& name) const { return entry(name).dtype->type; }

 private:
  const SafetensorsHeader::Entry& entry(const std::string& name) const;

  std::shared_ptr<const MappedFile> file_;
  SafetensorsHeader header_;
};

/// A tensor that is about to be written.
struct TensorPlan {
  std::string name;
  at::ScalarType type;
  std::vector<int64_t> shape;

  int64_t bytes() const;
};

/// What a file starts with whose data are those of `tensors`, in this order without gaps; wide elements must
/// come first for each to be aligned. Throws kInvalidArgument for a repeated name, kUnsupported for a dtype
/// that the format lacks.
std::string safetensors_header(const std::vector<TensorPlan>& tensors,
                               const std::vector<std::pair<std::string, std::string>>& metadata);

/// Writes `tensors` in the order given, each aligned to 8 bytes or more, under a temporary name, then
/// renamed. Throws kInvalidArgument for a repeated name, kUnsupported for a dtype that the format lacks, kIo.
void write_safetensors(const std::string& path, const NamedTensors& tensors,
                       const std::vector<std::pair<std::string, std::string>>& metadata = {});

}  // namespace saev

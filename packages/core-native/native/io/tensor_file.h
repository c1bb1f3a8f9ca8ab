#pragma once
// What a file of named tensors is to the rest of the code, whatever its format.

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/mapped_file.h"

namespace saev {

/// Tensors by name, in the order of the file.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

class TensorFile {
 public:
  virtual ~TensorFile() = default;
  /// Names in the order of the file.
  virtual const std::vector<std::string>& names() const = 0;
  virtual bool contains(const std::string& name) const = 0;
  /// Whether a dict with tensors lies under this key of the saved one (of dicts within dicts: keys joined
  /// with
  /// "."), as opposed to a tensor whose name has a ".". Never in formats without nesting.
  virtual bool nested(const std::string& /*name*/) const { return false; }
  /// The tensor, on the mapped bytes where alignment allows, else a copy. Changing it in place never changes
  /// the file. Throws kNotFound for an unknown name.
  virtual at::Tensor tensor(const std::string& name) const = 0;
  /// Free text beside the tensors (safetensors' `__metadata__`).
  virtual const std::vector<std::pair<std::string, std::string>>& metadata() const = 0;
};

/// Opens safetensors, torch zip archives and torch's older stream format, told apart by content. `offset`:
/// where a torch archive begins, as in `sae.pt` behind its line of JSON. Throws kBadFile, kUnsupported,
/// kNotFound, kIo.
std::unique_ptr<TensorFile> open_tensor_file(const std::string& path, size_t offset = 0);
/// The same over bytes at hand.
std::unique_ptr<TensorFile> open_tensor_file(std::shared_ptr<const MappedFile> file, size_t offset = 0);

/// `numel` elements at `offset` of the mapped file as a one-dimensional tensor that keeps the map alive;
/// a copy when misaligned. The caller has checked that they lie inside.
at::Tensor map_elements(const std::shared_ptr<const MappedFile>& file, size_t offset, int64_t numel,
                        at::ScalarType type);

}  // namespace saev

#include "io/tensor_file.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>
#include <utility>

#include "io/safetensors.h"
#include "io/torch_archive.h"

namespace saev {

at::Tensor map_elements(const std::shared_ptr<const MappedFile>& file, size_t offset, int64_t numel,
                        at::ScalarType type) {
  if (numel == 0) return at::empty({0}, type);
  const size_t item = c10::elementSize(type);
  const std::byte* data = file->bytes().data() + offset;
  if (reinterpret_cast<uintptr_t>(data) % item != 0) {
    at::Tensor copy = at::empty({numel}, type);
    std::memcpy(copy.mutable_data_ptr(), data, static_cast<size_t>(numel) * item);
    return copy;
  }
  return at::from_blob(const_cast<std::byte*>(data), {numel}, [file](void*) {}, type);
}

std::unique_ptr<TensorFile> open_tensor_file(const std::string& path, size_t offset) {
  return open_tensor_file(MappedFile::open(path, MappedFile::Access::kCopyOnWrite), offset);
}

std::unique_ptr<TensorFile> open_tensor_file(std::shared_ptr<const MappedFile> file, size_t offset) {
  if (offset == 0 && !looks_like_torch(file->bytes()))
    return std::make_unique<SafetensorsFile>(std::move(file));
  return std::make_unique<TorchArchive>(std::move(file), offset);
}

}  // namespace saev

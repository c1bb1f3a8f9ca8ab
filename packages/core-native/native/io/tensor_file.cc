#include "io/tensor_file.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

#include "io/safetensors.h"
#include "io/torch_archive.h"

namespace saev {

int64_t checked_numel(const std::vector<int64_t>& sizes) {
  int64_t n = 1;
  bool empty = false;
  for (const int64_t size : sizes) {
    if (size < 0) return -1;
    // torch multiplies all of them, so an empty tensor must not hide an overflow either.
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(n, size, &n)) {
      return -1;
    }
  }
  return empty ? 0 : n;
}

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
  auto file = MappedFile::open(path, MappedFile::Access::kCopyOnWrite);
  if (offset == 0 && !TorchArchive::recognise(*file))
    return std::make_unique<SafetensorsFile>(std::move(file));
  return std::make_unique<TorchArchive>(std::move(file), offset);
}

}  // namespace saev

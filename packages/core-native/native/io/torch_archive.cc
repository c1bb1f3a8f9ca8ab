#include "io/torch_archive.h"

#include <ATen/ops/as_strided.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>
#include <utility>

#include "core/error.h"
#include "io/inflate.h"
#include "io/json.h"
#include "io/numel.h"

namespace saev {
TorchArchive::TorchArchive(std::shared_ptr<const MappedFile> file, size_t offset)
    : file_(std::move(file)), index_(read_torch_index(file_->bytes(), offset, file_->path())) {}

/// The bytes of a deflated record. The last one is kept: tensors that lie in one storage are asked for one
/// after another.
at::Tensor TorchArchive::unpacked(const TorchRecord& record) const {
  const std::lock_guard lock(unpacked_mutex_);
  if (unpacked_record_ != &record) {
    at::Tensor bytes = at::empty({static_cast<int64_t>(record.size)}, at::kByte);
    inflate(file_->bytes().subspan(record.offset, record.compressed),
            {static_cast<std::byte*>(bytes.mutable_data_ptr()), record.size}, record.crc,
            file_->path() + ": a record");
    unpacked_ = std::move(bytes);
    unpacked_record_ = &record;
  }
  return unpacked_;
}

at::Tensor TorchArchive::tensor(const std::string& name) const {
  const auto found = index_.tensors.find(name);
  if (found == index_.tensors.end()) {
    throw Error(Code::kNotFound,
                file_->path() + " holds no tensor " + shown(name) + "; it holds " +
                    std::to_string(index_.names.size()) +
                    (index_.names.empty() ? "" : ", the first is " + shown(index_.names.front())));
  }
  file_->check_unchanged();
  const TensorRef& ref = found->second;
  if (checked_numel(ref.sizes) == 0) return at::empty(ref.sizes, ref.dtype->type);
  int64_t extent = 1;
  for (size_t d = 0; d < ref.sizes.size(); ++d) extent += (ref.sizes[d] - 1) * ref.strides[d];
  const TorchRecord& record = index_.records.at(ref.storage.key);
  const auto item = static_cast<size_t>(ref.dtype->size);
  const size_t start = static_cast<size_t>(ref.offset) * item;
  if (!record.deflated) {
    return at::as_strided(map_elements(file_, record.offset + start, extent, ref.dtype->type), ref.sizes,
                          ref.strides, 0);
  }
  const at::Tensor bytes = unpacked(record);
  at::Tensor elements = at::empty({extent}, ref.dtype->type);
  std::memcpy(elements.mutable_data_ptr(), static_cast<const std::byte*>(bytes.const_data_ptr()) + start,
              static_cast<size_t>(extent) * item);
  return at::as_strided(elements, ref.sizes, ref.strides, 0);
}

NamedTensors read_torch_archive(const std::string& path, size_t offset) {
  const TorchArchive archive(MappedFile::open(path, MappedFile::Access::kCopyOnWrite), offset);
  NamedTensors out;
  for (const std::string& name : archive.names()) out.emplace_back(name, archive.tensor(name));
  return out;
}

}  // namespace saev

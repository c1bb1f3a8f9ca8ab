#pragma once
// What torch.save writes: a zip archive of a pickle and one record a storage (since torch 1.6), or a stream
// of pickles with the storages behind them (before): the tensors that torch_index.h finds, on the mapped
// file.

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/tensor_file.h"
#include "io/torch_index.h"

namespace saev {

class TorchArchive final : public TensorFile {
 public:
  /// `offset`: where the archive begins in the file.
  TorchArchive(std::shared_ptr<const MappedFile> file, size_t offset);

  /// As in `TorchIndex`.
  const std::vector<std::string>& names() const override { return index_.names; }
  bool contains(const std::string& name) const override { return index_.tensors.count(name) != 0; }
  bool nested(const std::string& name) const override { return index_.nested.count(name) != 0; }
  at::Tensor tensor(const std::string& name) const override;
  const std::vector<std::pair<std::string, std::string>>& metadata() const override { return metadata_; }

 private:
  at::Tensor unpacked(const TorchRecord& record) const;

  std::shared_ptr<const MappedFile> file_;
  TorchIndex index_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  mutable std::mutex unpacked_mutex_;
  mutable const TorchRecord* unpacked_record_ = nullptr;
  mutable at::Tensor unpacked_;
};

/// All tensors of the archive at `offset` of the file at `path`, in order.
NamedTensors read_torch_archive(const std::string& path, size_t offset = 0);

/// How `write_torch_archive` lays out the pickle.
enum class ArchiveRoot {
  kDict,         ///< a plain dict
  kOrderedDict,  ///< as module.state_dict() gives
  kTensor,       ///< torch.save(tensor): exactly one tensor
};

/// Writes what torch.load(weights_only=True) reads, under a temporary name, then renamed. `header`: text in
/// front of the archive, as the JSON line of `sae.pt`, newline included. Throws kUnsupported for a dtype that
/// torch has no storage class for, kInvalidArgument for repeated names, kIo.
void write_torch_archive(const std::string& path, const NamedTensors& tensors,
                         ArchiveRoot root = ArchiveRoot::kDict, const std::string& header = {});

}  // namespace saev

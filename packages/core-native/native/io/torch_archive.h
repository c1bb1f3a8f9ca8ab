#pragma once
// What torch.save writes: a zip archive of a pickle and one record a storage (since torch 1.6), or a stream
// of pickles with the storages behind them (before). Read with our own pickle reader over the mapped file.

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/pickle.h"
#include "io/tensor_file.h"

namespace saev {

class TorchArchive final : public TensorFile {
 public:
  /// Whether the bytes at the start of the file look like torch's, zip or stream.
  static bool recognise(const MappedFile& file);

  /// `offset`: where the archive begins in the file.
  TorchArchive(std::shared_ptr<const MappedFile> file, size_t offset);

  /// Keys of the saved dict; members of nested dicts, lists and tuples are joined with "."; a file that is
  /// one tensor holds it under "". What is no tensor is left out.
  const std::vector<std::string>& names() const override { return names_; }
  bool contains(const std::string& name) const override { return tensors_.count(name) != 0; }
  bool nested(const std::string& name) const override { return nested_.count(name) != 0; }
  at::Tensor tensor(const std::string& name) const override;
  const std::vector<std::pair<std::string, std::string>>& metadata() const override { return metadata_; }

 private:
  struct Record {
    size_t offset = 0;  ///< from the start of the file
    uint64_t size = 0;
    std::string inflate;  ///< name of a deflated record, to be unpacked; else empty
  };
  void read_zip(size_t offset);
  void read_stream(size_t offset);
  void collect(const PickleNode& root);
  void check(const std::string& name, const TensorRef& ref) const;

  std::shared_ptr<const MappedFile> file_;
  size_t offset_;
  std::vector<std::string> names_;
  std::set<std::string> nested_;  ///< dicts that hold tensors
  std::unordered_map<std::string, TensorRef> tensors_;
  std::unordered_map<std::string, Record> records_;  ///< by storage key
  std::vector<std::pair<std::string, std::string>> metadata_;
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

#include <c10/util/Exception.h>
#include <caffe2/serialize/inline_container.h>

#include <cstdint>
#include <exception>
#include <set>
#include <string>

#include "core/error.h"
#include "io/atomic_file.h"
#include "io/dtypes.h"
#include "io/json.h"
#include "io/torch_archive.h"

namespace saev {
namespace {

/// The few instructions of pickle protocol 2 that a dict of tensors takes. Nothing is memoised: repeated
/// names cost some bytes a tensor and keep this obvious.
class PickleWriter {
 public:
  PickleWriter() { out_ = "\x80\x02"; }

  void op(char c) { out_ += c; }
  void global(const std::string& module, const std::string& name) {
    out_ += "c" + module + "\n" + name + "\n";
  }
  void text(const std::string& value) {
    out_ += 'X';
    raw(static_cast<uint32_t>(value.size()));
    out_ += value;
  }
  void integer(int64_t value) {
    if (value >= 0 && value < 256) {
      out_ += 'K';
      raw(static_cast<uint8_t>(value));
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
      out_ += 'J';
      raw(static_cast<int32_t>(value));
    } else {
      out_ += "\x8a\x08";
      raw(value);
    }
  }
  void integers(at::IntArrayRef values) {
    op('(');
    for (const int64_t v : values) integer(v);
    op('t');
  }
  void empty_ordered_dict() {
    global("collections", "OrderedDict");
    out_ += ")R";
  }
  /// torch._utils._rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())
  void tensor(const at::Tensor& t, const FileDtype& dtype, const std::string& key) {
    global("torch._utils", "_rebuild_tensor_v2");
    out_ += "((";
    text("storage");
    global("torch", dtype.torch_storage);
    text(key);
    text("cpu");
    integer(t.numel());
    out_ += "tQ";
    integer(0);
    integers(t.sizes());
    integers(t.strides());
    out_ += '\x89';
    empty_ordered_dict();
    out_ += "tR";
  }
  const std::string& finish() {
    op('.');
    return out_;
  }

 private:
  template <typename T>
  void raw(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  std::string out_;
};

void check(const NamedTensors& tensors, ArchiveRoot root) {
  if (root == ArchiveRoot::kTensor && tensors.size() != 1) {
    throw Error(Code::kInvalidArgument,
                "expected exactly one tensor to write, found " + std::to_string(tensors.size()));
  }
  std::set<std::string> seen;
  for (const auto& [name, tensor] : tensors) {
    if (!seen.insert(name).second) {
      throw Error(Code::kInvalidArgument, "tensor names must differ: " + shown(name) + " occurs twice");
    }
    const FileDtype* dtype = dtype_by_type(tensor.scalar_type());
    if (dtype == nullptr || *dtype->torch_storage == '\0') {
      throw Error(Code::kUnsupported,
                  "tensor " + shown(name) + ": torch archives of this dtype are not written");
    }
  }
}

}  // namespace

void write_torch_archive(const std::string& path, const NamedTensors& tensors, ArchiveRoot root,
                         const std::string& header) {
  check(tensors, root);
  std::vector<at::Tensor> contiguous;
  PickleWriter pickle;
  if (root == ArchiveRoot::kDict) pickle.op('}');
  if (root == ArchiveRoot::kOrderedDict) pickle.empty_ordered_dict();
  if (root != ArchiveRoot::kTensor) pickle.op('(');
  for (size_t i = 0; i < tensors.size(); ++i) {
    contiguous.push_back(tensors[i].second.detach().cpu().contiguous());
    if (root != ArchiveRoot::kTensor) pickle.text(tensors[i].first);
    pickle.tensor(contiguous[i], *dtype_by_type(contiguous[i].scalar_type()), std::to_string(i));
  }
  if (root != ArchiveRoot::kTensor) pickle.op('u');
  const std::string& text = pickle.finish();

  AtomicFile file(path);
  file.write(header);
  std::exception_ptr failure;
  {
    // libtorch's writer may neither see our exceptions nor go on after them: keep the first, pretend success.
    caffe2::serialize::PyTorchStreamWriter zip(
        [&](const void* data, size_t size) {
          try {
            if (!failure) file.write(data, size);
          } catch (...) {
            failure = std::current_exception();
          }
          return size;
        },
        /*compute_crc32=*/true);
    zip.writeRecord("data.pkl", text.data(), text.size());
    zip.writeRecord("byteorder", "little", 6);
    for (size_t i = 0; i < contiguous.size() && !failure; ++i) {
      zip.writeRecord("data/" + std::to_string(i), contiguous[i].const_data_ptr(), contiguous[i].nbytes());
    }
    zip.writeEndOfFile();
  }
  if (failure) std::rethrow_exception(failure);
  file.commit();
}

}  // namespace saev

#include "io/torch_archive.h"

#include <ATen/ops/as_strided.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/util/Exception.h>
#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "core/error.h"
#include "io/json.h"
#include "io/zip_directory.h"

namespace saev {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kMaxVisits = 3'000'000;
constexpr size_t kMaxNameBytes = size_t{64} << 20;
/// Deflated records that grow more than this, and beyond kFreelyUnpacked, are taken for an attack.
constexpr uint64_t kMaxInflation = 100, kFreelyUnpacked = uint64_t{64} << 20;
/// Tensors may repeat their elements by strides of 0, up to this many bytes when written out.
constexpr int64_t kFreelyExpanded = int64_t{64} << 20;
constexpr char kStreamMagic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int64_t kStreamProtocol = 1001;

/// Bytes of the map as libtorch's zip reader wants them; only deflated records go this way.
class SpanAdapter final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit SpanAdapter(std::span<const std::byte> bytes) : bytes_(bytes) {}
  size_t size() const override { return bytes_.size(); }
  size_t read(uint64_t at, void* out, size_t n, const char*) const override {
    if (at >= bytes_.size()) return 0;
    n = std::min<size_t>(n, bytes_.size() - at);
    std::memcpy(out, bytes_.data() + at, n);
    return n;
  }

 private:
  std::span<const std::byte> bytes_;
};

/// A deflated record, unpacked by libtorch. `name` without the archive's own folder.
at::Tensor inflate(std::span<const std::byte> archive, const std::string& name, const std::string& path) {
  try {
    caffe2::serialize::PyTorchStreamReader reader(std::make_shared<SpanAdapter>(archive));
    auto [data, size] = reader.getRecord(name);
    auto holder = std::make_shared<at::DataPtr>(std::move(data));
    return at::from_blob(holder->get(), {static_cast<int64_t>(size)}, [holder](void*) {}, at::kByte);
  } catch (const c10::Error& e) {
    throw Error(Code::kBadFile,
                path + ": record " + shown(name) + " cannot be unpacked; the file is damaged");
  }
}

std::string key_text(const PickleNode& key) {
  return key.is(PickleNode::Kind::kString) ? key.text
         : key.is(PickleNode::Kind::kInt)  ? std::to_string(key.integer)
                                           : std::string();
}

bool has_text(std::span<const std::byte> bytes, size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

}  // namespace

bool TorchArchive::recognise(const MappedFile& file) {
  const auto bytes = file.bytes();
  // The length in front of a safetensors header may look like anything, but then '{' follows.
  if (bytes.size() < 9 || bytes[8] == std::byte{'{'}) return false;
  return is_zip(bytes) || (bytes[0] == std::byte{0x80} && bytes[1] <= std::byte{5}) ||
         has_text(bytes, 257, "ustar");
}

TorchArchive::TorchArchive(std::shared_ptr<const MappedFile> file, size_t offset)
    : file_(std::move(file)), offset_(offset) {
  const std::string& path = file_->path();
  const auto bytes = file_->bytes();
  if (offset >= bytes.size()) {
    throw Error(Code::kBadFile, path + ": expected a torch archive at byte " + std::to_string(offset) +
                                    ", found the end of the file; it is cut short");
  }
  if (is_zip(bytes.subspan(offset))) {
    read_zip(offset);
  } else if (has_text(bytes.subspan(offset), 257, "ustar")) {
    throw Error(Code::kUnsupported,
                path + " is in the tar format of torch before 0.1.10; load and save it with a newer torch");
  } else if (bytes[offset] == std::byte{0x80}) {
    read_stream(offset);
  } else {
    throw Error(Code::kBadFile, path + ": expected a torch archive at byte " + std::to_string(offset) +
                                    ", found something else");
  }
}

void TorchArchive::read_zip(size_t offset) {
  const std::string& path = file_->path();
  const auto archive = file_->bytes().subspan(offset);
  const auto entries = read_zip_directory(archive, path);
  const ZipEntry* pickle = nullptr;
  for (const ZipEntry& e : entries) {
    const size_t slash = e.name.find('/');
    if (slash != std::string::npos && e.name.substr(slash) == "/data.pkl") pickle = &e;
  }
  if (pickle == nullptr) throw Error(Code::kBadFile, path + " is a zip file, but none that torch.save wrote");
  const std::string prefix = pickle->name.substr(0, pickle->name.find('/') + 1);
  for (const ZipEntry& e : entries) {
    if (e.deflated && e.size > kFreelyUnpacked && e.size / kMaxInflation > e.compressed) {
      throw Error(Code::kBadFile, path + ": record " + shown(e.name) + " would unpack to " +
                                      std::to_string(e.size) + " bytes from " + std::to_string(e.compressed) +
                                      "; refused");
    }
  }
  const auto content = [&](const ZipEntry& e) {
    if (!e.deflated) {
      return at::from_blob(const_cast<std::byte*>(archive.data() + e.offset), {static_cast<int64_t>(e.size)},
                           at::kByte);
    }
    return inflate(archive, e.name.substr(prefix.size()), path);
  };
  for (const ZipEntry& e : entries) {
    if (e.name.rfind(prefix, 0) != 0) continue;
    const std::string name = e.name.substr(prefix.size());
    if (name == "constants.pkl" || name.rfind("code/", 0) == 0) {
      throw Error(Code::kUnsupported, path +
                                          " is a TorchScript program; in Python, save its tensors: "
                                          "torch.save(torch.jit.load(path).state_dict(), out)");
    }
    if (name == "byteorder" && e.size <= 16) {
      const at::Tensor order = content(e);
      if (!has_text(
              {static_cast<const std::byte*>(order.const_data_ptr()), static_cast<size_t>(order.numel())}, 0,
              "little")) {
        throw Error(Code::kUnsupported, path + " was written on a big-endian machine");
      }
    }
    if (name.rfind("data/", 0) == 0) {
      records_[name.substr(5)] = {offset + e.offset, e.size, e.deflated ? name : std::string()};
    }
  }
  const at::Tensor text = content(*pickle);
  PickleReader reader(
      {static_cast<const std::byte*>(text.const_data_ptr()), static_cast<size_t>(text.numel())}, path);
  collect(*reader.read());
}

void TorchArchive::read_stream(size_t offset) {
  const std::string& path = file_->path();
  const auto bytes = file_->bytes().subspan(offset);
  PickleReader reader(bytes, path);
  const NodePtr magic = reader.read();
  if (!magic->is(PickleNode::Kind::kOpaque) || magic->text != std::string(kStreamMagic, 10)) {
    throw Error(Code::kBadFile, path + " is a pickle, but none that torch.save wrote");
  }
  const NodePtr protocol = reader.read();
  if (!protocol->is(PickleNode::Kind::kInt) || protocol->integer != kStreamProtocol) {
    throw Error(Code::kUnsupported, path + " is in a version of torch's format that is not known");
  }
  const NodePtr system = reader.read();
  for (const auto& [key, value] : system->pairs) {
    if (key->text == "little_endian" && value->integer == 0) {
      throw Error(Code::kUnsupported, path + " was written on a big-endian machine");
    }
  }
  const NodePtr root = reader.read();
  const NodePtr keys = reader.read();
  size_t at = reader.position();
  for (const NodePtr key : keys->items) {
    // Every storage: its number of elements, then the elements.
    const auto known = reader.storages().find(key->text);
    if (!key->is(PickleNode::Kind::kString) || known == reader.storages().end()) {
      throw Error(Code::kBadFile, path + ": a storage belongs to no tensor; the file is damaged");
    }
    const StorageRef& storage = known->second;
    const uint64_t item = storage.dtype == nullptr ? 1 : c10::elementSize(storage.dtype->type);
    int64_t numel = 0;
    if (bytes.size() - at < sizeof numel) throw Error(Code::kBadFile, path + " is cut short");
    std::memcpy(&numel, bytes.data() + at, sizeof numel);
    at += sizeof numel;
    if (numel != storage.numel || static_cast<uint64_t>(numel) > (bytes.size() - at) / item) {
      throw Error(Code::kBadFile, path + ": storage " + shown(key->text) + " should hold " +
                                      std::to_string(storage.numel) +
                                      " elements; the file is damaged or cut short");
    }
    records_[key->text] = {offset + at, static_cast<uint64_t>(numel) * item, {}};
    at += static_cast<size_t>(numel) * item;
  }
  collect(*root);
}

void TorchArchive::collect(const PickleNode& root) {
  using Kind = PickleNode::Kind;
  const std::string& path = file_->path();
  size_t visits = 0, name_bytes = 0;
  const auto visit = [&](const auto& self, const PickleNode& node, const std::string& name,
                         int depth) -> void {
    const auto bad = [&](const std::string& what) { return Error(Code::kBadFile, path + ": " + what); };
    if (depth > kMaxDepth) {
      throw bad("its containers are nested deeper than " + std::to_string(kMaxDepth) +
                " levels, or contain themselves");
    }
    name_bytes += name.size();
    if (++visits > kMaxVisits || name_bytes > kMaxNameBytes)
      throw bad("it holds more entries than any model has");
    const std::string before = name.empty() ? "" : name + ".";
    if (node.is(Kind::kTensor)) {
      check(name, node.tensor);
      if (!tensors_.emplace(name, node.tensor).second) throw bad("two tensors have the name " + shown(name));
      names_.push_back(name);
    } else if (node.is(Kind::kDict)) {
      std::set<std::string> seen;
      for (const auto& [key, value] : node.pairs) {
        const bool container = value->is(Kind::kDict) || value->is(Kind::kList) || value->is(Kind::kTuple);
        if (!container && !value->is(Kind::kTensor)) continue;
        const std::string text = key_text(*key);
        if (!key->is(Kind::kString) && !key->is(Kind::kInt))
          throw bad(std::string("a key of a dict is ") + key->kind_name());
        if (!seen.insert(text).second) throw bad("the key " + shown(text) + " occurs twice");
        const size_t tensors = names_.size();
        self(self, *value, before + text, depth + 1);
        if (value->is(Kind::kDict) && names_.size() > tensors) nested_.insert(before + text);
      }
    } else if (node.is(Kind::kList) || node.is(Kind::kTuple)) {
      for (size_t i = 0; i < node.items.size(); ++i)
        self(self, *node.items[i], before + std::to_string(i), depth + 1);
    }
  };
  visit(visit, root, "", 0);
}

void TorchArchive::check(const std::string& name, const TensorRef& ref) const {
  const auto bad = [&](const std::string& what) {
    return Error(Code::kBadFile, file_->path() + ": tensor " + shown(name) + " " + what +
                                     "; the file is damaged or was made to mislead");
  };
  const auto record = records_.find(ref.storage.key);
  if (record == records_.end()) throw bad("lies in record " + shown(ref.storage.key) + ", which is missing");
  const int64_t item = static_cast<int64_t>(c10::elementSize(ref.dtype->type));
  const int64_t storage_item =
      ref.storage.dtype == nullptr ? 1 : static_cast<int64_t>(c10::elementSize(ref.storage.dtype->type));
  int64_t storage_bytes = 0;
  if (__builtin_mul_overflow(ref.storage.numel, storage_item, &storage_bytes) ||
      static_cast<uint64_t>(storage_bytes) > record->second.size) {
    throw bad("claims " + std::to_string(ref.storage.numel) + " elements, more than its record of " +
              std::to_string(record->second.size) + " bytes holds");
  }
  const int64_t numel = checked_numel(ref.sizes);
  if (numel < 0 || ref.offset < 0 || ref.strides.size() != ref.sizes.size())
    throw bad("has an impossible shape");
  int64_t last = ref.offset;
  for (size_t d = 0; d < ref.sizes.size(); ++d) {
    int64_t reach = 0;
    if (ref.strides[d] < 0 ||
        __builtin_mul_overflow(std::max<int64_t>(ref.sizes[d] - 1, 0), ref.strides[d], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      throw bad("has an impossible stride");
    }
  }
  if (numel > 0 && last >= storage_bytes / item) {
    throw bad("reaches element " + std::to_string(last) + " of " + std::to_string(storage_bytes / item));
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(numel, item, &bytes) || bytes > std::max(storage_bytes, kFreelyExpanded)) {
    throw bad("repeats its elements to " + std::to_string(numel));
  }
}

at::Tensor TorchArchive::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw Error(Code::kNotFound, file_->path() + " holds no tensor " + shown(name) + "; it holds " +
                                     std::to_string(names_.size()) +
                                     (names_.empty() ? "" : ", the first is " + shown(names_.front())));
  }
  file_->check_unchanged();
  const TensorRef& ref = found->second;
  if (checked_numel(ref.sizes) == 0) return at::empty(ref.sizes, ref.dtype->type);
  int64_t extent = 1;
  for (size_t d = 0; d < ref.sizes.size(); ++d) extent += (ref.sizes[d] - 1) * ref.strides[d];
  const Record& record = records_.at(ref.storage.key);
  const size_t item = c10::elementSize(ref.dtype->type);
  const size_t start = static_cast<size_t>(ref.offset) * item;
  if (record.inflate.empty()) {
    return at::as_strided(map_elements(file_, record.offset + start, extent, ref.dtype->type), ref.sizes,
                          ref.strides, 0);
  }
  const at::Tensor bytes = inflate(file_->bytes().subspan(offset_), record.inflate, file_->path());
  if (static_cast<uint64_t>(bytes.numel()) != record.size) {
    throw Error(Code::kBadFile,
                file_->path() + ": record " + shown(record.inflate) + " has two sizes; the file is damaged");
  }
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

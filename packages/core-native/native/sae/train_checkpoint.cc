#include "sae/train_checkpoint.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "core/sha256.h"
#include "io/atomic_file.h"
#include "io/mapped_file.h"
#include "io/safetensors.h"

namespace saev {
namespace {

using Form = StateItem::Form;

constexpr const char* kFormatKey = "format";
constexpr const char* kFormat = "saev training state";
constexpr const char* kVersionKey = "version";
constexpr const char* kVersion = "1";
constexpr const char* kDigest = "sha256";
constexpr size_t kDigestBytes = 64;  ///< in hex
constexpr size_t kPiece = size_t{8} << 20;

TensorPlan plan_of(const StateItem& item, const Layout& l) {
  switch (item.form) {
    case Form::kEncoder:
      return {item.name, at::kFloat, {l.d_vit, l.d_sae}};
    case Form::kDecoder:
      return {item.name, at::kFloat, {l.d_sae, l.d_vit}};
    case Form::kLatents:
      return {item.name, at::kFloat, {l.d_sae}};
    case Form::kDims:
      return {item.name, at::kFloat, {l.d_vit}};
    case Form::kCounts:
      return {item.name, at::kLong, {l.d_sae}};
    case Form::kCount:
      return {item.name, at::kLong, {}};
    case Form::kFloat:
      return {item.name, at::kFloat, {}};
    case Form::kDouble:
      return {item.name, at::kDouble, {}};
  }
  throw Error(Code::kInternal, "a form of state that checkpoints do not know");
}

/// Of an item's own memory: for the forms that are not matrices the plain values lie at its beginning.
const void* plain_values(const StateItem& item, const Layout& l, std::vector<float>& buffer) {
  if (item.form != Form::kEncoder && item.form != Form::kDecoder) return item.data;
  buffer.resize(static_cast<size_t>(l.d_vit * l.d_sae));
  const auto* packed = static_cast<const float*>(item.data);
  if (item.form == Form::kEncoder) l.unpack_encoder(packed, buffer.data());
  if (item.form == Form::kDecoder) l.unpack_decoder(packed, buffer.data());
  return buffer.data();
}

void put_values(const StateItem& item, const Layout& l, const at::Tensor& from) {
  const auto* values = static_cast<const float*>(from.const_data_ptr());
  if (item.form == Form::kEncoder) {
    l.pack_encoder(values, static_cast<float*>(item.data));
  } else if (item.form == Form::kDecoder) {
    l.pack_decoder(values, static_cast<float*>(item.data));
  } else {
    std::memcpy(item.data, from.const_data_ptr(), from.nbytes());
  }
}

std::string text_of(const TextPairs& pairs, const char* key) {
  const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& p) { return p.first == key; });
  return found == pairs.end() ? "" : found->second;
}

/// Throws unless the file ends in the digest of what lies before it.
void check_digest(const MappedFile& file, const Job& job) {
  const auto bytes = file.bytes();
  const auto bad = [&file](const char* what) {
    return Error(Code::kBadFile, file.path() + ": " + what + "; use the checkpoint before it");
  };
  if (bytes.size() < kDigestBytes) throw bad("this training state is cut short");
  const size_t size = bytes.size() - kDigestBytes;
  Sha256 hash;
  for (size_t at = 0; at < size; at += kPiece) {
    job.check_abort();
    hash.update(bytes.data() + at, std::min(kPiece, size - at));
  }
  if (std::memcmp(hash.hex().data(), bytes.data() + size, kDigestBytes) != 0)
    throw bad("this training state is damaged: its checksum is not that of its content");
}

void check_kind(const std::string& path, const TextPairs& metadata) {
  if (text_of(metadata, kFormatKey) != kFormat) {
    throw Error(Code::kBadFile,
                path +
                    ": expected a training state (states/*.safetensors of a run), found another file of "
                    "tensors");
  }
  const std::string version = text_of(metadata, kVersionKey);
  if (version != kVersion) {
    throw Error(Code::kUnsupported, path + ": this training state has version '" + version +
                                        "', this saev reads version " + kVersion +
                                        "; use the saev that wrote it");
  }
}

std::string shown_shape(at::IntArrayRef shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

}  // namespace

void write_train_checkpoint(const std::string& path, const std::vector<StateItem>& items,
                            const Layout& layout, const TextPairs& metadata, const Job& job) {
  std::vector<StateItem> order = items;
  std::stable_sort(order.begin(), order.end(), [&](const StateItem& a, const StateItem& b) {
    return c10::elementSize(plan_of(a, layout).type) > c10::elementSize(plan_of(b, layout).type);
  });
  std::vector<TensorPlan> plan;
  for (const StateItem& item : order) plan.push_back(plan_of(item, layout));
  plan.push_back({kDigest, at::kByte, {static_cast<int64_t>(kDigestBytes)}});
  TextPairs head = {{kFormatKey, kFormat}, {kVersionKey, kVersion}};
  head.insert(head.end(), metadata.begin(), metadata.end());
  AtomicFile file(path);
  Sha256 hash;
  const auto put = [&](const char* data, size_t size) {
    for (size_t at = 0; at < size; at += kPiece) {
      job.check_abort();
      const size_t n = std::min(kPiece, size - at);
      hash.update(data + at, n);
      file.write(data + at, n);
    }
  };
  const std::string header = safetensors_header(plan, head);
  put(header.data(), header.size());
  std::vector<float> buffer;
  for (size_t i = 0; i < order.size(); ++i) {
    put(static_cast<const char*>(plain_values(order[i], layout, buffer)),
        static_cast<size_t>(plan[i].bytes()));
  }
  file.write(hash.hex());
  file.commit();
}

void read_train_checkpoint(const std::string& path, const std::vector<StateItem>& items, const Layout& layout,
                           const std::function<void(const TextPairs&)>& check, const Job& job) {
  const auto mapped = MappedFile::open(path, MappedFile::Access::kCopyOnWrite);
  const SafetensorsFile file(mapped);
  check_kind(path, file.metadata());
  check_digest(*mapped, job);
  std::set<std::string> known = {kDigest};
  for (const StateItem& item : items) {
    const TensorPlan plan = plan_of(item, layout);
    known.insert(plan.name);
    if (!file.contains(plan.name)) {
      throw Error(Code::kShapeMismatch,
                  path + ": this training state holds no " + plan.name +
                      ", which this kind of SAE and optimiser needs; it is of another kind");
    }
    if (file.shape(plan.name) != plan.shape || file.dtype(plan.name) != plan.type) {
      throw Error(Code::kShapeMismatch, path + ": " + plan.name + ": expected " + shown_shape(plan.shape) +
                                            ", found " + shown_shape(file.shape(plan.name)) +
                                            "; d_vit and d_sae must be those of the run");
    }
  }
  for (const std::string& name : file.names()) {
    if (known.count(name) == 0) {
      throw Error(Code::kShapeMismatch,
                  path + ": this training state holds " + name +
                      ", which this kind of SAE and optimiser does not have; it is of another kind");
    }
  }
  check(file.metadata());
  for (const StateItem& item : items) put_values(item, layout, file.tensor(item.name));
}

}  // namespace saev

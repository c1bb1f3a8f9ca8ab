// From the objects of a pickle to tensors by name.

#include <algorithm>
#include <set>

#include "core/error.h"
#include "io/json.h"
#include "io/numel.h"
#include "io/torch_index.h"

namespace saev {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kMaxVisits = 3'000'000;
constexpr size_t kMaxNameBytes = size_t{64} << 20;
/// Tensors may repeat their elements by strides of 0, up to this many bytes when written out.
constexpr int64_t kFreelyExpanded = int64_t{64} << 20;

std::string key_text(const PickleNode& key) {
  return key.is(PickleNode::Kind::kString) ? key.text
         : key.is(PickleNode::Kind::kInt)  ? std::to_string(key.integer)
                                           : std::string();
}

void check(const std::string& name, const TensorRef& ref, const TorchIndex& index, const std::string& path) {
  const auto bad = [&](const std::string& what) {
    return Error(Code::kBadFile, path + ": tensor " + shown(name) + " " + what +
                                     "; the file is damaged or was made to mislead");
  };
  const auto record = index.records.find(ref.storage.key);
  if (record == index.records.end())
    throw bad("lies in record " + shown(ref.storage.key) + ", which is missing");
  const int64_t item = ref.dtype->size;
  const int64_t storage_item = ref.storage.dtype == nullptr ? 1 : ref.storage.dtype->size;
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

}  // namespace

void collect_tensors(const PickleNode& root, const std::string& path, TorchIndex& index) {
  using Kind = PickleNode::Kind;
  size_t visits = 0, name_bytes = 0;
  const auto visit = [&](const auto& self, const PickleNode& node, const std::string& name,
                         int depth) -> void {
    const auto bad = [&](const std::string& what) { return Error(Code::kBadFile, path + ": " + what); };
    if (depth > kMaxDepth) {
      throw bad("its containers are nested deeper than " + std::to_string(kMaxDepth) +
                " levels, or contain themselves");
    }
    const auto count = [&](size_t entries) {
      visits += entries;
      if (visits > kMaxVisits) throw bad("it holds more entries than any model has");
    };
    count(1);
    name_bytes += name.size();
    if (name_bytes > kMaxNameBytes) throw bad("its names are longer than those of any model");
    const std::string before = name.empty() ? "" : name + ".";
    if (node.is(Kind::kTensor)) {
      check(name, node.tensor, index, path);
      if (!index.tensors.emplace(name, node.tensor).second)
        throw bad("two tensors have the name " + shown(name));
      index.names.push_back(name);
    } else if (node.is(Kind::kDict)) {
      // What is no tensor counts too: one dict may stand in many places.
      count(node.pairs.size());
      std::set<std::string> seen;
      for (const auto& [key, value] : node.pairs) {
        const bool container = value->is(Kind::kDict) || value->is(Kind::kList) || value->is(Kind::kTuple);
        if (!container && !value->is(Kind::kTensor)) continue;
        const std::string text = key_text(*key);
        if (!key->is(Kind::kString) && !key->is(Kind::kInt))
          throw bad(std::string("a key of a dict is ") + key->kind_name());
        if (!is_utf8(text)) throw bad("a key of a dict is no UTF-8");
        if (!seen.insert(text).second) throw bad("the key " + shown(text) + " occurs twice");
        const size_t tensors = index.names.size();
        self(self, *value, before + text, depth + 1);
        if (value->is(Kind::kDict) && index.names.size() > tensors) index.nested.insert(before + text);
      }
    } else if (node.is(Kind::kList) || node.is(Kind::kTuple)) {
      for (size_t i = 0; i < node.items.size(); ++i)
        self(self, *node.items[i], before + std::to_string(i), depth + 1);
    }
  };
  visit(visit, root, "", 0);
}

}  // namespace saev

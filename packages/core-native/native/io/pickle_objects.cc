// What a pickle's classes, functions and storages become; the machine that reads it is pickle.cc.
#include <set>

#include "core/error.h"
#include "io/json.h"
#include "io/pickle.h"

namespace saev {
namespace {

using Kind = PickleNode::Kind;

constexpr size_t kMaxKey = 256;

// What may be named. Functions are interpreted by `call`; classes of values only stand for themselves.
const std::set<std::string>& known_globals() {
  static const std::set<std::string> names = {
      "collections OrderedDict",
      "torch._utils _rebuild_tensor",
      "torch._utils _rebuild_tensor_v2",
      "torch._utils _rebuild_tensor_v3",
      "torch._utils _rebuild_parameter",
      "torch._utils _rebuild_parameter_with_state",
      "torch.storage UntypedStorage",
      "torch UntypedStorage",
      "torch Size",
      "torch device",
      "torch.serialization _get_layout",
      "builtins set",
      "__builtin__ set",
      "builtins dict",
      "builtins list",
      "__builtin__ dict",
      "__builtin__ list",
      "_codecs encode",
  };
  return names;
}

// Of the configs: any class of the module that holds them, so that a message can name one that has no
// counterpart here.
bool is_config_class(const std::string& module, const std::string& name) {
  if (module == "saev.data.datasets") return name.find('.') == std::string::npos;
  return (module == "pathlib" || module == "pathlib._local") &&
         (name == "PosixPath" || name == "WindowsPath" || name == "PurePosixPath" ||
          name == "PureWindowsPath" || name == "Path");
}

bool is_storage_class(const std::string& global, const FileDtype*& dtype) {
  if (global == "torch UntypedStorage" || global == "torch.storage UntypedStorage") {
    dtype = nullptr;
    return true;
  }
  if (global.rfind("torch ", 0) != 0) return false;
  dtype = dtype_by_torch_storage(std::string_view(global).substr(6));
  return dtype != nullptr;
}

}  // namespace

NodePtr PickleReader::global(const std::string& module, const std::string& name) {
  const std::string full = module + " " + name;
  if (names_ == PickledNames::kConfigs) {
    if (is_config_class(module, name)) return make_text(Kind::kGlobal, full);
    throw Error(Code::kUnsupported, where_ + " holds a Python object of " + shown(module + "." + name) +
                                        ", which is not read for safety");
  }
  const FileDtype* dtype = nullptr;
  const bool element_type = module == "torch" && dtype_by_torch_name(name) != nullptr;
  if (!element_type && known_globals().count(full) == 0 && !is_storage_class(full, dtype)) {
    throw Error(Code::kUnsupported, where_ + " holds a Python object of " + shown(module + "." + name) +
                                        ", which is not read for safety; in Python, save the tensors alone: "
                                        "torch.save(model.state_dict(), path)");
  }
  return make_text(Kind::kGlobal, full);
}

std::vector<int64_t> PickleReader::sizes_of(NodePtr node, const char* what) const {
  if (!node->is(Kind::kTuple) && !node->is(Kind::kList)) fail(std::string(what) + " of a tensor is no tuple");
  if (node->items.size() > 64) fail(std::string(what) + " of a tensor has more than 64 entries");
  std::vector<int64_t> out;
  for (NodePtr item : node->items) {
    if (!item->is(Kind::kInt)) fail(std::string(what) + " of a tensor is no number");
    out.push_back(item->integer);
  }
  return out;
}

NodePtr PickleReader::storage(NodePtr id) {
  // ('storage', class, key, location, numel[, view])
  if (!id->is(Kind::kTuple) || id->items.size() < 5) fail("a storage is not described as torch does");
  const auto& part = id->items;
  NodePtr node = make(Kind::kStorage);
  if (!part[0]->is(Kind::kString) || part[0]->text != "storage" || !part[1]->is(Kind::kGlobal) ||
      !part[2]->is(Kind::kString) || !part[4]->is(Kind::kInt) || part[4]->integer < 0 ||
      !is_storage_class(part[1]->text, node->storage.dtype)) {
    fail("a storage is not described as torch does");
  }
  if (part.size() > 5 && !part[5]->is(Kind::kNone)) {
    throw Error(Code::kUnsupported, where_ +
                                        ": storages that are views of others (torch before 0.4) are not "
                                        "read; load and save it with a newer torch");
  }
  if (part[2]->text.size() > kMaxKey)
    fail("a storage has a key of " + std::to_string(part[2]->text.size()) + " bytes");
  node->storage.key = part[2]->text;
  node->storage.numel = part[4]->integer;
  const auto [known, fresh] = storages_.emplace(node->storage.key, node->storage);
  if (!fresh && (known->second.dtype != node->storage.dtype || known->second.numel != node->storage.numel)) {
    fail("a storage is described in two ways");
  }
  return node;
}

NodePtr PickleReader::rebuild_tensor(const std::string& function, NodePtr arguments) {
  // v1: storage, offset, size, stride; v2: …, requires_grad, hooks[, metadata]; v3: …, hooks, dtype[,
  // metadata]
  const auto& a = arguments->items;
  const bool v3 = function == "torch._utils _rebuild_tensor_v3";
  if (a.size() < (v3 ? 7u : 4u) || !a[0]->is(Kind::kStorage) || !a[1]->is(Kind::kInt)) {
    fail("a tensor is not described as torch does");
  }
  NodePtr node = make(Kind::kTensor);
  node->tensor.storage = a[0]->storage;
  node->tensor.dtype = a[0]->storage.dtype;
  node->tensor.offset = a[1]->integer;
  node->tensor.sizes = sizes_of(a[2], "the shape");
  node->tensor.strides = sizes_of(a[3], "the stride");
  if (v3) {
    const bool named = a[6]->is(Kind::kGlobal) && a[6]->text.rfind("torch ", 0) == 0;
    node->tensor.dtype = named ? dtype_by_torch_name(a[6]->text.substr(6)) : nullptr;
  }
  if (node->tensor.dtype == nullptr) fail("a tensor has no element type");
  const size_t extra = v3 ? 7 : 6;
  if (a.size() > extra && a[extra]->is(Kind::kDict) && !a[extra]->pairs.empty()) {
    throw Error(Code::kUnsupported, where_ + ": conjugated or negated views are not read; save a clone()");
  }
  return node;
}

NodePtr PickleReader::ordered_dict(NodePtr arguments) {
  NodePtr dict = make(Kind::kDict);
  if (arguments->items.empty()) return dict;
  NodePtr list = arguments->items[0];
  if (arguments->items.size() != 1 || !(list->is(Kind::kList) || list->is(Kind::kTuple))) {
    fail("an OrderedDict is not described as Python does");
  }
  count_copied(list->items.size());
  std::vector<NodePtr> flat;
  for (NodePtr pair : list->items) {
    if ((!pair->is(Kind::kList) && !pair->is(Kind::kTuple)) || pair->items.size() != 2) {
      fail("an OrderedDict is not described as Python does");
    }
    flat.insert(flat.end(), pair->items.begin(), pair->items.end());
  }
  set_items(dict, flat);
  return dict;
}

NodePtr PickleReader::call(NodePtr function, NodePtr arguments) {
  if (!function->is(Kind::kGlobal) || !arguments->is(Kind::kTuple)) fail("it calls what is no function");
  const std::string& name = function->text;
  if (names_ == PickledNames::kConfigs) {
    NodePtr object = make_text(Kind::kObject, name);
    count_copied(arguments->items.size());
    object->items = arguments->items;
    return object;
  }
  if (name.rfind("torch._utils _rebuild_tensor", 0) == 0) return rebuild_tensor(name, arguments);
  if (name.rfind("torch._utils _rebuild_parameter", 0) == 0) {
    if (arguments->items.empty() || !arguments->items[0]->is(Kind::kTensor))
      fail("a parameter holds no tensor");
    return arguments->items[0];
  }
  if (name == "collections OrderedDict" || name == "builtins dict" || name == "__builtin__ dict") {
    return ordered_dict(arguments);
  }
  if (name == "torch Size" && arguments->items.size() == 1 &&
      (arguments->items[0]->is(Kind::kTuple) || arguments->items[0]->is(Kind::kList))) {
    if (arguments->items[0]->items.size() > 64) fail("a size has more than 64 entries");
    NodePtr size = make(Kind::kTuple);
    size->items = arguments->items[0]->items;
    return size;
  }
  // Sets, devices, layouts, encoded bytes: they hold no tensors, and nobody asks what is in them.
  return make_text(Kind::kOpaque, name);
}

void PickleReader::set_items(NodePtr dict, const std::vector<NodePtr>& flat) {
  if (!dict->is(Kind::kDict) || flat.size() % 2 != 0) fail("it sets an item of what is no dict");
  for (size_t i = 0; i < flat.size(); i += 2) dict->pairs.emplace_back(flat[i], flat[i + 1]);
}

void PickleReader::build(NodePtr object, NodePtr state) {
  if (object->is(Kind::kObject)) {
    if (!state->is(Kind::kDict)) fail("the fields of an object are no dict");
    count_copied(state->pairs.size());
    object->pairs = state->pairs;
    return;
  }
  // The state of an OrderedDict is `_metadata` of a state dict: versions of modules, no tensors.
  if (!object->is(Kind::kDict) && !object->is(Kind::kTensor) && !object->is(Kind::kOpaque)) {
    fail("it sets the state of what has none");
  }
}

}  // namespace saev

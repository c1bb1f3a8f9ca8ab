#pragma once
// Reads Python pickles as data and never as a program: numbers, strings, containers, and the handful of torch
// functions that rebuild tensors, which become descriptions of tensors; or, where a dataset's config is
// expected, its class by name and its fields. Any other class or function is refused by name. Nodes live in
// the reader, so that pickles that contain themselves neither leak nor recurse.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/dtypes.h"

namespace saev {

struct PickleNode;
using NodePtr = PickleNode*;

/// Where a tensor's elements are, by the key that the archive knows.
struct StorageRef {
  std::string key;
  const FileDtype* dtype = nullptr;  ///< null: untyped bytes
  int64_t numel = 0;                 ///< elements of dtype, or bytes
};

struct TensorRef {
  StorageRef storage;
  const FileDtype* dtype = nullptr;
  int64_t offset = 0;  ///< in elements of dtype
  std::vector<int64_t> sizes, strides;
};

struct PickleNode {
  enum class Kind {
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kBytes,
    kTuple,
    kList,
    kDict,
    kGlobal,
    kStorage,
    kTensor,
    kObject,
    kOpaque
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;         ///< kInt, kBool
  double real = 0;             ///< kFloat
  std::string text;            ///< kString, kBytes, kGlobal and kObject ("module name")
  std::vector<NodePtr> items;  ///< kTuple, kList; of kObject, what its class was called with
  std::vector<std::pair<NodePtr, NodePtr>> pairs;  ///< kDict, in the order written; of kObject, its fields
  StorageRef storage;                              ///< kStorage
  TensorRef tensor;                                ///< kTensor

  bool is(Kind k) const { return kind == k; }
  const char* kind_name() const;
};

/// What a pickle may name beside containers.
enum class PickledNames {
  kTensors,  ///< what torch.save writes
  kConfigs,  ///< classes of the Python package's datasets, and paths: kObject, of which nothing is made
};

class PickleReader {
 public:
  /// `where` goes in front of every message and must outlive the reader.
  PickleReader(std::span<const std::byte> bytes, const std::string& where,
               PickledNames names = PickledNames::kTensors)
      : bytes_(bytes), where_(where), names_(names) {}

  /// The next pickle of the bytes. Its nodes live as long as the reader. Throws kBadFile for damage,
  /// kUnsupported for a class or function that is not on the list.
  NodePtr read();
  /// Bytes consumed so far.
  size_t position() const { return at_; }
  /// Every storage that the pickles named, by key.
  const std::map<std::string, StorageRef>& storages() const { return storages_; }

 private:
  [[noreturn]] void fail(const std::string& what) const;
  /// Fails when a pickle makes more of few bytes by naming a container again and again.
  void count_copied(size_t entries);
  std::span<const std::byte> take(uint64_t size);
  template <typename T>
  T number();
  std::string line();
  std::string bytes_text(uint64_t size);

  NodePtr make(PickleNode::Kind kind);
  NodePtr make_int(int64_t value);
  NodePtr make_text(PickleNode::Kind kind, std::string text);
  void push(NodePtr node);
  NodePtr pop();
  NodePtr top();
  std::vector<NodePtr> pop_to_mark();
  void memoize(uint64_t slot);
  NodePtr recall(uint64_t slot);

  void step(uint8_t op);
  NodePtr long_integer(uint64_t size);
  NodePtr decimal_integer(std::string text);
  NodePtr global(const std::string& module, const std::string& name);
  NodePtr storage(NodePtr id);
  NodePtr call(NodePtr function, NodePtr arguments);
  NodePtr rebuild_tensor(const std::string& function, NodePtr arguments);
  NodePtr ordered_dict(NodePtr arguments);
  void set_items(NodePtr dict, const std::vector<NodePtr>& flat);
  void build(NodePtr object, NodePtr state);
  std::vector<int64_t> sizes_of(NodePtr node, const char* what) const;

  std::span<const std::byte> bytes_;
  const std::string& where_;
  const PickledNames names_;
  size_t at_ = 0;
  bool done_ = false;
  std::deque<PickleNode> nodes_;
  size_t copied_ = 0;  ///< entries that calls copied from one container into another
  std::map<std::string, StorageRef> storages_;
  std::vector<NodePtr> stack_;
  std::vector<size_t> marks_;
  std::map<uint64_t, NodePtr> memo_;
};

}  // namespace saev

#pragma once
// Takes a model's tensors out of a file by name and shape, and reports everything that does not fit at once.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "io/tensor_file.h"

namespace saev {

/// What stands before `name` in the names of a file: the shortest prefix under which it holds one, as models
/// lie within models ("vit.", "visual.trunk."); "" when it holds none.
std::string prefix_of(const TensorFile& file, const std::string& name);

class WeightReader {
 public:
  /// `what` names the file in errors.
  WeightReader(const TensorFile& file, std::string what) : file_(file), what_(std::move(what)) {}

  /// The tensor `name` as float32 in memory of its own (the file may go away or be cut later). Missing or of
  /// another shape: noted, and undefined is returned; `finish` throws.
  at::Tensor take(const std::string& name, const std::vector<int64_t>& shape);
  /// The floating-point tensor `name` with `dims` dimensions as `take` gives it; undefined when there is
  /// none.
  at::Tensor take_if_there(const std::string& name, int64_t dims);
  bool has(const std::string& name) const { return file_.contains(name); }
  /// A tensor that may be there and is not used.
  void ignore(const std::string& name) { used_.insert(name); }
  /// The same for all tensors whose names begin so.
  void ignore_under(const std::string& prefix);

  /// Throws Code::kBadFile with one line that lists all missing and misshapen tensors, and those under
  /// `prefix` that nobody took.
  void finish(const std::string& prefix) const;

 private:
  const TensorFile& file_;
  std::string what_;
  std::set<std::string> used_;
  std::vector<std::string> missing_, misshapen_;
};

}  // namespace saev

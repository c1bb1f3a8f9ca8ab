#include "vit/weights.h"

#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>

#include "core/error.h"

namespace saev {
namespace {

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (const int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

/// "a, b, c and 40 more": an error stays one readable line.
std::string list(const std::vector<std::string>& names) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kMost; ++i) text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kMost) text += " and " + std::to_string(names.size() - kMost) + " more";
  return text;
}

}  // namespace

at::Tensor WeightReader::take(const std::string& name, const std::vector<int64_t>& shape) {
  used_.insert(name);
  if (!file_.contains(name)) {
    missing_.push_back(name);
    return {};
  }
  const at::Tensor stored = file_.tensor(name);
  if (stored.sizes() != at::IntArrayRef(shape) || !at::isFloatingType(stored.scalar_type())) {
    misshapen_.push_back(name + " (expected floating point " + shape_text(shape) + ", found " +
                         c10::toString(stored.scalar_type()) + " " + shape_text(stored.sizes()) + ")");
    return {};
  }
  at::Tensor own = at::empty(shape, at::kFloat);
  own.copy_(stored);
  return own;
}

void WeightReader::ignore_under(const std::string& prefix) {
  for (const std::string& name : file_.names()) {
    if (name.rfind(prefix, 0) == 0) used_.insert(name);
  }
}

void WeightReader::finish(const std::string& prefix) const {
  std::vector<std::string> unexpected;
  for (const std::string& name : file_.names()) {
    if (name.rfind(prefix, 0) == 0 && used_.count(name) == 0) unexpected.push_back(name);
  }
  if (missing_.empty() && misshapen_.empty() && unexpected.empty()) return;
  std::string text = what_ + ": the tensors are not those of the configured model";
  if (!missing_.empty()) text += "; missing: " + list(missing_);
  if (!misshapen_.empty()) text += "; of another shape: " + list(misshapen_);
  if (!unexpected.empty()) text += "; unexpected: " + list(unexpected);
  throw Error(Code::kBadFile, text);
}

}  // namespace saev

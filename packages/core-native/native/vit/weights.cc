#include "vit/weights.h"

#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/error.h"

namespace saev {
namespace {

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (const int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

/// A name from a file, fit for one line.
std::string plain(std::string text) {
  constexpr size_t kMost = 200;
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

/// "3", "0-2", "0-2,5": whole numbers, ascending.
std::string ranges_text(const std::vector<int64_t>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

/// All of them in one line: those that differ in the number of the layer only are one entry,
/// "blocks.{0-11}.norm1.bias". Files that are no model at all may hold any number of names: these are cut.
std::string list(const std::vector<std::string>& names) {
  constexpr size_t kMost = 100;
  struct Entry {
    std::string before, after;
    std::vector<int64_t> numbers;
  };
  std::vector<Entry> entries;
  std::map<std::pair<std::string, std::string>, size_t> places;
  for (const std::string& name : names) {
    // The first number that is a whole part of the name, of a length that fits.
    size_t from = 0, to = 0;
    for (size_t at = 0; at < name.size() && to == 0;) {
      const size_t end = std::min(name.find('.', at), name.size());
      const bool digits =
          std::all_of(name.begin() + static_cast<ptrdiff_t>(at), name.begin() + static_cast<ptrdiff_t>(end),
                      [](char c) { return c >= '0' && c <= '9'; });
      if (digits && end > at && end - at < 9) from = at, to = end;
      at = end + 1;
    }
    const std::string before = name.substr(0, to > 0 ? from : name.size());
    const std::string after = to > 0 ? name.substr(to) : "";
    const auto [place, is_new] = places.emplace(std::pair(before, after), entries.size());
    if (is_new) entries.push_back({before, after, {}});
    if (to > 0) entries[place->second].numbers.push_back(std::stoll(name.substr(from, to - from)));
  }
  std::string text;
  for (size_t i = 0; i < entries.size() && i < kMost; ++i) {
    Entry& e = entries[i];
    std::sort(e.numbers.begin(), e.numbers.end());
    const std::string numbers = ranges_text(e.numbers);
    text += (i > 0 ? ", " : "") + plain(e.before) + (e.numbers.size() > 1 ? "{" + numbers + "}" : numbers) +
            plain(e.after);
  }
  if (entries.size() > kMost) text += " and " + std::to_string(entries.size() - kMost) + " more";
  return text;
}

}  // namespace

std::string prefix_of(const TensorFile& file, const std::string& name) {
  std::string best;
  bool found = false;
  for (const std::string& full : file.names()) {
    if (full.size() < name.size() || full.compare(full.size() - name.size(), name.size(), name) != 0)
      continue;
    const std::string prefix = full.substr(0, full.size() - name.size());
    if (!prefix.empty() && prefix.back() != '.') continue;
    if (!found || prefix.size() < best.size()) best = prefix;
    found = true;
  }
  return best;
}

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

at::Tensor WeightReader::take_if_there(const std::string& name, int64_t dims) {
  if (!file_.contains(name)) return {};
  used_.insert(name);
  const at::Tensor stored = file_.tensor(name);
  if (stored.dim() != dims || !at::isFloatingType(stored.scalar_type())) return {};
  at::Tensor own = at::empty(stored.sizes(), at::kFloat);
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

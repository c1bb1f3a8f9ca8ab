#include "io/pickle.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"

namespace saev {
namespace {

using Kind = PickleNode::Kind;

// A node takes some hundred bytes and as little as one in the file; a state dict has about 15 a tensor.
constexpr size_t kMaxNodes = 3'000'000;
constexpr size_t kMaxCopied = 3'000'000;

}  // namespace

const char* PickleNode::kind_name() const {
  switch (kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "a bool";
    case Kind::kInt:
      return "an int";
    case Kind::kFloat:
      return "a float";
    case Kind::kString:
      return "a string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kTuple:
      return "a tuple";
    case Kind::kList:
      return "a list";
    case Kind::kDict:
      return "a dict";
    case Kind::kGlobal:
      return "a class or function";
    case Kind::kStorage:
      return "a storage";
    case Kind::kTensor:
      return "a tensor";
    case Kind::kObject:
    case Kind::kOpaque:
      return "an object";
  }
  return "something else";
}

void PickleReader::fail(const std::string& what) const {
  throw Error(Code::kBadFile,
              where_ + ": " + what + " (byte " + std::to_string(at_) + " of its pickle); " +
                  (names_ == PickledNames::kTensors ? "the file is damaged or not made by torch.save"
                                                    : "it is damaged or no config of a dataset"));
}

void PickleReader::count_copied(size_t entries) {
  copied_ += entries;
  if (copied_ > kMaxCopied) fail("more than " + std::to_string(kMaxCopied) + " entries");
}

std::span<const std::byte> PickleReader::take(uint64_t size) {
  if (size > bytes_.size() - at_) fail("it ends in the middle");
  const auto part = bytes_.subspan(at_, size);
  at_ += size;
  return part;
}

std::string PickleReader::line() {
  const auto rest = bytes_.subspan(at_);
  const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
  if (end == rest.end()) fail("it ends in the middle of a line");
  const auto size = static_cast<size_t>(end - rest.begin());
  std::string text(reinterpret_cast<const char*>(rest.data()), size);
  at_ += size + 1;
  return text;
}

std::string PickleReader::bytes_text(uint64_t size) {
  const auto part = take(size);
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

NodePtr PickleReader::make(Kind kind) {
  if (nodes_.size() >= kMaxNodes) fail("more than " + std::to_string(kMaxNodes) + " objects");
  nodes_.emplace_back();
  nodes_.back().kind = kind;
  return &nodes_.back();
}

NodePtr PickleReader::make_int(int64_t value) {
  NodePtr node = make(Kind::kInt);
  node->integer = value;
  return node;
}

NodePtr PickleReader::make_text(Kind kind, std::string text) {
  NodePtr node = make(kind);
  node->text = std::move(text);
  return node;
}

void PickleReader::push(NodePtr node) {
  stack_.push_back(node);
}

NodePtr PickleReader::pop() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("its stack is empty");
  NodePtr node = stack_.back();
  stack_.pop_back();
  return node;
}

NodePtr PickleReader::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("its stack is empty");
  return stack_.back();
}

std::vector<NodePtr> PickleReader::pop_to_mark() {
  if (marks_.empty()) fail("a mark is missing");
  const auto first = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
  std::vector<NodePtr> items(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleReader::memoize(uint64_t slot) {
  memo_[slot] = top();
}

NodePtr PickleReader::recall(uint64_t slot) {
  const auto found = memo_.find(slot);
  if (found == memo_.end()) fail("it refers to an object that it did not define");
  return found->second;
}

NodePtr PickleReader::read() {
  stack_.clear();
  marks_.clear();
  memo_.clear();
  done_ = false;
  while (!done_) step(static_cast<uint8_t>(take(1)[0]));
  return pop();
}

NodePtr PickleReader::long_integer(uint64_t size) {
  const auto part = take(size);
  if (size == 0) return make_int(0);
  // Larger numbers (such as the magic number of old files) keep their low 64 bits and are marked.
  uint64_t value = 0;
  for (size_t i = 0; i < std::min<size_t>(size, 8); ++i) value |= static_cast<uint64_t>(part[i]) << (8 * i);
  const bool negative = (part[size - 1] & std::byte{0x80}) != std::byte{0};
  if (size < 8 && negative) value |= ~uint64_t{0} << (8 * size);
  NodePtr node = make_int(static_cast<int64_t>(value));
  if (size > 8) {
    node->kind = Kind::kOpaque;
    node->text = std::string(reinterpret_cast<const char*>(part.data()), part.size());
  }
  return node;
}

NodePtr PickleReader::decimal_integer(std::string text) {
  if (text == "00" || text == "01") {
    NodePtr node = make(Kind::kBool);
    node->integer = text == "01";
    return node;
  }
  if (!text.empty() && text.back() == 'L') text.pop_back();
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) fail("a number is no number");
  return make_int(value);
}

}  // namespace saev

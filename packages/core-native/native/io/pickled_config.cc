#include "io/pickled_config.h"

#include <optional>
#include <string_view>

#include "core/error.h"
#include "io/pickle.h"

namespace saev {
namespace {

using Kind = PickleNode::Kind;

constexpr std::string_view kDatasets = "saev.data.datasets ";

/// A path is pickled as its class, called with its parts: ('/', 'data', 'birds'), or whole from Python 3.13
/// on. One that is too long comes back too long.
std::optional<std::string> path_text(const PickleNode& path) {
  std::string text;
  for (const NodePtr part : path.items) {
    if (!part->is(Kind::kString)) return std::nullopt;
    if (text.size() + part->text.size() > kMaxConfigText) return std::string(kMaxConfigText + 1, ' ');
    if (!text.empty() && text.back() != '/' && text.back() != '\\') text += '/';
    text += part->text;
  }
  return text.empty() ? "." : text;
}

std::optional<std::string> field_text(const PickleNode& value) {
  switch (value.kind) {
    case Kind::kString:
      return value.text;
    case Kind::kInt:
      return std::to_string(value.integer);
    case Kind::kObject:
      return value.text.rfind("pathlib", 0) == 0 ? path_text(value) : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

PickledConfig read_pickled_config(std::span<const std::byte> bytes, const std::string& where) {
  PickleReader reader(bytes, where, PickledNames::kConfigs);
  const NodePtr root = reader.read();
  if (!root->is(Kind::kObject) || root->text.rfind(kDatasets, 0) != 0)
    throw Error(Code::kUnsupported,
                where + ": expected a pickled config of a dataset, found " + root->kind_name());
  PickledConfig config;
  config.name = root->text.substr(kDatasets.size());
  for (const auto& [key, value] : root->pairs) {
    if (!key->is(Kind::kString)) continue;
    // What comes last counts, as in Python.
    auto text = field_text(*value);
    if (!text) continue;
    if (key->text.size() > kMaxConfigText || text->size() > kMaxConfigText ||
        config.fields.size() >= kMaxConfigFields)
      throw Error(Code::kBadFile, where + ": it is longer than the config of a dataset can be");
    config.fields[key->text] = std::move(*text);
  }
  return config;
}

}  // namespace saev

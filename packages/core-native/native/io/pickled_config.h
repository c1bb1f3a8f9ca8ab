#pragma once
// The config of a dataset as the Python package pickles it into metadata.json (protocol 2.1): a dataclass of
// saev.data.datasets, whose fields are texts, numbers and paths.

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace saev {

/// A pickle may name one long text many times: these bound what is made of it.
constexpr size_t kMaxConfigFields = 64;
constexpr size_t kMaxConfigText = 65'536;  ///< bytes of a field's name or value

struct PickledConfig {
  std::string name;                           ///< of the class, without its module: "ImgFolder"
  std::map<std::string, std::string> fields;  ///< texts, whole numbers in decimal, paths as they are typed
};

/// Fields of other types are left out. Nothing in the bytes is executed or looked up.
/// Throws kBadFile for damage and more than the bounds above, kUnsupported for objects of any other class;
/// `where` goes in front of messages.
PickledConfig read_pickled_config(std::span<const std::byte> bytes, const std::string& where);

}  // namespace saev

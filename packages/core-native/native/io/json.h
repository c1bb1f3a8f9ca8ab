#pragma once
// A strict JSON reader for headers of files: RFC 8259, no duplicate keys, a nesting limit, positions in
// errors.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace saev {

struct JsonMember;

struct Json {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;  ///< of a string; of a number, as written
  std::vector<Json> array;
  std::vector<JsonMember> object;  ///< in the order of the file

  /// A member of an object, or null.
  const Json* get(std::string_view key) const;
  /// The number as a whole number ≥ 0, or −1 when it is none or exceeds 2^63 − 1.
  int64_t whole() const;
};

struct JsonMember {
  std::string key;
  Json value;
};

inline constexpr int kMaxJsonDepth = 32;
inline constexpr size_t kMaxJsonValues = 4'000'000;

/// Throws Code::kBadFile "WHERE: expected … at byte …".
Json parse_json(std::string_view text, const std::string& where);
/// Whether `text` is UTF-8 as Unicode defines it: no surrogates, nothing written longer than it must be.
/// Names that are not would not survive the way to JavaScript and back.
bool is_utf8(std::string_view text);
/// `text` as a JSON string with its quotes, control characters escaped.
std::string json_string(std::string_view text);
/// The same for messages: what a file says of itself, cut to a length that people read, always one line.
std::string shown(std::string_view text);

}  // namespace saev

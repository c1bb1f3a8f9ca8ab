#include "io/json.h"

#include <charconv>
#include <unordered_set>
#include <utility>

#include "core/error.h"

namespace saev {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  Json document() {
    if (!is_utf8(text_)) throw Error(Code::kBadFile, where_ + ": not valid JSON: it is no UTF-8");
    Json value = read(0);
    skip_space();
    if (at_ != text_.size()) fail("nothing after the value");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    throw Error(Code::kBadFile,
                where_ + ": not valid JSON: expected " + expected + " at byte " + std::to_string(at_));
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  void literal(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) fail(std::string(word));
    at_ += word.size();
  }

  Json read(int depth) {
    if (depth > kMaxJsonDepth) fail("at most " + std::to_string(kMaxJsonDepth) + " levels of nesting");
    // A value takes some hundred bytes in memory and as little as two in the file.
    if (++values_ > kMaxJsonValues) fail("at most " + std::to_string(kMaxJsonValues) + " values");
    skip_space();
    Json value;
    switch (peek()) {
      case '{':
        value.kind = Json::Kind::kObject;
        object(value, depth);
        break;
      case '[':
        value.kind = Json::Kind::kArray;
        array(value, depth);
        break;
      case '"':
        value.kind = Json::Kind::kString;
        value.text = string();
        break;
      case 't':
        literal("true");
        value.kind = Json::Kind::kBool;
        value.boolean = true;
        break;
      case 'f':
        literal("false");
        value.kind = Json::Kind::kBool;
        break;
      case 'n':
        literal("null");
        break;
      default:
        value.kind = Json::Kind::kNumber;
        value.text = number();
    }
    return value;
  }

  void object(Json& value, int depth) {
    ++at_;
    skip_space();
    if (peek() == '}') {
      ++at_;
      return;
    }
    std::unordered_set<std::string> seen;
    for (;;) {
      skip_space();
      if (peek() != '"') fail("a key in quotes");
      std::string key = string();
      if (!seen.insert(key).second) {
        throw Error(Code::kBadFile, where_ + ": the key " + shown(key) + " occurs twice");
      }
      skip_space();
      if (peek() != ':') fail("':'");
      ++at_;
      Json member = read(depth + 1);
      value.object.push_back({std::move(key), std::move(member)});
      skip_space();
      const char next = peek();
      if (next != ',' && next != '}') fail("',' or '}'");
      ++at_;
      if (next == '}') return;
    }
  }

  void array(Json& value, int depth) {
    ++at_;
    skip_space();
    if (peek() == ']') {
      ++at_;
      return;
    }
    for (;;) {
      value.array.push_back(read(depth + 1));
      skip_space();
      const char next = peek();
      if (next != ',' && next != ']') fail("',' or ']'");
      ++at_;
      if (next == ']') return;
    }
  }

  std::string number() {
    const size_t start = at_;
    if (peek() == '-') ++at_;
    const auto digits = [this] {
      const size_t from = at_;
      while (peek() >= '0' && peek() <= '9') ++at_;
      if (at_ == from) fail("a value");
    };
    if (peek() == '0') {
      ++at_;
    } else {
      digits();
    }
    if (peek() == '.') {
      ++at_;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      digits();
    }
    return std::string(text_.substr(start, at_ - start));
  }

  unsigned hex4() {
    unsigned value = 0;
    if (at_ + 4 > text_.size()) fail("four hexadecimal digits");
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, value, 16);
    if (error != std::errc() || end != text_.data() + at_ + 4) fail("four hexadecimal digits");
    at_ += 4;
    return value;
  }

  static void append_utf8(std::string& out, unsigned c) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xc0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      out += static_cast<char>(0xe0 | c >> 12);
      out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (c & 0x3f));
    } else {
      out += static_cast<char>(0xf0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
      out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (c & 0x3f));
    }
  }

  void escape(std::string& out) {
    const char c = peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return;
      case 'b':
        out += '\b';
        return;
      case 'f':
        out += '\f';
        return;
      case 'n':
        out += '\n';
        return;
      case 'r':
        out += '\r';
        return;
      case 't':
        out += '\t';
        return;
      case 'u':
        break;
      default:
        fail("an escape sequence");
    }
    unsigned code = hex4();
    if (code >= 0xd800 && code < 0xdc00) {
      if (text_.substr(at_, 2) != "\\u") fail("the second half of a surrogate pair");
      at_ += 2;
      const unsigned low = hex4();
      if (low < 0xdc00 || low >= 0xe000) fail("the second half of a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
      fail("no lone surrogate");
    }
    append_utf8(out, code);
  }

  std::string string() {
    ++at_;
    std::string out;
    for (;;) {
      if (at_ >= text_.size()) fail("a closing quote");
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return out;
      }
      if (static_cast<unsigned char>(c) < 0x20) fail("no control character");
      ++at_;
      if (c == '\\') {
        escape(out);
      } else {
        out += c;
      }
    }
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
  size_t values_ = 0;
};

}  // namespace

const Json* Json::get(std::string_view key) const {
  for (const auto& [name, value] : object) {
    if (name == key) return &value;
  }
  return nullptr;
}

int64_t Json::whole() const {
  if (kind != Kind::kNumber) return -1;
  int64_t value = -1;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end && value >= 0 ? value : -1;
}

Json parse_json(std::string_view text, const std::string& where) {
  return Parser(text, where).document();
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned first = byte(i);
    const size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || size > text.size() - i) return false;
    unsigned code = size == 1 ? first : first & (0x7fU >> size);
    for (size_t k = 1; k < size; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return false;
      code = code << 6 | (byte(i + k) & 0x3fU);
    }
    const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += size;
  }
  return true;
}

std::string json_string(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20) {
      out += "\\u00";
      out += kHex[u >> 4];
      out += kHex[u & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string shown(std::string_view text) {
  constexpr size_t kMost = 80;
  std::string out = json_string(text.substr(0, kMost));
  for (char& c : out) {
    if (c == 0x7f) c = '?';
  }
  return text.size() > kMost ? out + "..." : out;
}

}  // namespace saev

#pragma once
// Reads JavaScript values with messages that name the argument. TypeScript has checked and defaulted
// everything before; this is what keeps a wrong call from crashing the process.

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"

namespace saev::bind {

std::string string_of(const Napi::Value& value, const std::string& name);
double number_of(const Napi::Value& value, const std::string& name);
/// A whole number within ±2^53, given as number or bigint.
int64_t int_of(const Napi::Value& value, const std::string& name);
bool bool_of(const Napi::Value& value, const std::string& name);
Napi::Object object_of(const Napi::Value& value, const std::string& name);
std::vector<int64_t> ints_of(const Napi::Value& value, const std::string& name);
std::vector<std::string> strings_of(const Napi::Value& value, const std::string& name);

/// A named member of an options object: `field(options, "batchSize")`.
inline Napi::Value field(const Napi::Object& object, const char* name) {
  return object.Get(name);
}
inline bool has(const Napi::Object& object, const char* name) {
  const Napi::Value v = object.Get(name);
  return !v.IsUndefined() && !v.IsNull();
}

}  // namespace saev::bind

#include "bind/args.h"

#include <cmath>

namespace saev::bind {
namespace {

const char* kind_of(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "a boolean";
    case napi_number:
      return "a number";
    case napi_string:
      return "a string";
    case napi_symbol:
      return "a symbol";
    case napi_object:
      return "an object";
    case napi_function:
      return "a function";
    case napi_external:
      return "a handle";
    case napi_bigint:
      return "a bigint";
  }
  return "something else";
}

[[noreturn]] void wrong(const Napi::Value& value, const std::string& name, const char* expected) {
  throw Error(Code::kInvalidArgument, name + ": expected " + expected + ", found " + kind_of(value));
}

}  // namespace

std::string string_of(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) wrong(value, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

double number_of(const Napi::Value& value, const std::string& name) {
  if (!value.IsNumber()) wrong(value, name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t int_of(const Napi::Value& value, const std::string& name) {
  if (value.IsBigInt()) {
    bool lossless = false;
    const int64_t v = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (!lossless) throw Error(Code::kInvalidArgument, name + ": this bigint does not fit in 64 bits");
    return v;
  }
  const double v = number_of(value, name);
  if (std::trunc(v) != v || std::fabs(v) > 9007199254740992.0) {
    throw Error(Code::kInvalidArgument, name + ": expected a whole number, found " + std::to_string(v));
  }
  return static_cast<int64_t>(v);
}

bool bool_of(const Napi::Value& value, const std::string& name) {
  if (!value.IsBoolean()) wrong(value, name, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

Napi::Object object_of(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject() || value.IsFunction()) wrong(value, name, "an object");
  return value.As<Napi::Object>();
}

std::vector<int64_t> ints_of(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) wrong(value, name, "an array of whole numbers");
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> out;
  out.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    out.push_back(int_of(array.Get(i), name + "[" + std::to_string(i) + "]"));
  }
  return out;
}

std::vector<std::string> strings_of(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) wrong(value, name, "an array of strings");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> out;
  out.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    out.push_back(string_of(array.Get(i), name + "[" + std::to_string(i) + "]"));
  }
  return out;
}

}  // namespace saev::bind

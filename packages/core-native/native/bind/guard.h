#pragma once
// Every function that JavaScript can call is wrapped here: no C++ exception, of any type, leaves native code.

#include <napi.h>

#include <exception>

#include "core/error.h"

namespace saev::bind {

/// What a caught exception becomes: a code and one line.
struct Failure {
  Code code;
  std::string message;
};

/// Call inside a catch block. c10::Error is cut to its first line; bad_alloc becomes OUT_OF_MEMORY.
Failure describe_current_exception();

/// A JavaScript Error with `code`; TypeScript turns it into a SaevError with the caller's stack.
Napi::Error to_js_error(Napi::Env env, const Failure& failure);

template <Napi::Value (*fn)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return fn(info);
  } catch (const Napi::Error&) {
    throw;  // already a JavaScript exception
  } catch (...) {
    throw to_js_error(info.Env(), describe_current_exception());
  }
}

template <Napi::Value (*fn)(const Napi::CallbackInfo&)>
void export_function(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<fn>>(env, name));
}

}  // namespace saev::bind

#pragma once
// How a native object crosses to JavaScript: an External that holds a shared pointer and says what it is.
// A job keeps its own shared pointer, so disposing a handle in mid-job frees the object when the job ends.

#include <napi.h>

#include <memory>
#include <string>
#include <utility>

#include "core/error.h"

namespace saev::bind {

/// One tag for all our handles; `kind` tells them apart, so that the message can name both classes.
inline constexpr napi_type_tag kHandleTag = {0x5ae75ae75ae75ae7ULL, 0x6a1dc0de00000001ULL};

struct HandleBox {
  std::shared_ptr<void> object;  ///< null after dispose
  const char* kind;              ///< the JavaScript class, e.g. "Tensor"
  int64_t external_bytes = 0;    ///< what the garbage collector was told about
};

/// Wraps `object` for JavaScript. `bytes` tells the garbage collector how heavy it is.
template <typename T>
Napi::Value wrap(Napi::Env env, std::shared_ptr<T> object, const char* kind, int64_t bytes = 0) {
  auto* box = new HandleBox{std::move(object), kind, bytes};
  auto external = Napi::External<HandleBox>::New(env, box, [](Napi::Env e, HandleBox* b) {
    int64_t now =
        0;  // the plain call: where the environment goes away it may fail, and nobody is left to tell
    if (b->external_bytes != 0) napi_adjust_external_memory(e, -b->external_bytes, &now);
    delete b;
  });
  external.TypeTag(&kHandleTag);
  if (bytes != 0) Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  return external;
}

/// The box behind a value, or Code::kWrongHandle.
HandleBox& unwrap_box(const Napi::Value& value, const char* kind);

/// The object behind a handle of class `kind`. Throws Code::kWrongHandle or Code::kDisposed.
template <typename T>
std::shared_ptr<T> unwrap(const Napi::Value& value, const char* kind) {
  HandleBox& box = unwrap_box(value, kind);
  if (std::string(box.kind) != kind) {
    throw Error(Code::kWrongHandle,
                std::string("expected a handle of class ") + kind + ", found one of class " + box.kind);
  }
  if (!box.object) {
    throw Error(Code::kDisposed, std::string("this ") + kind + " was disposed; create a new one");
  }
  return std::static_pointer_cast<T>(box.object);
}

void register_handles(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

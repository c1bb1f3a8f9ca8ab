#include "bind/handle.h"

#include "bind/guard.h"

namespace saev::bind {

HandleBox& unwrap_box(const Napi::Value& value, const char* kind) {
  if (value.IsExternal()) {
    auto external = value.As<Napi::External<HandleBox>>();
    if (external.CheckTypeTag(&kHandleTag)) return *external.Data();
  }
  throw Error(Code::kWrongHandle,
              std::string("expected a handle of class ") + kind + ", found another value");
}

namespace {

/// dispose(handle): frees the object now. A second call does nothing.
Napi::Value dispose(const Napi::CallbackInfo& info) {
  HandleBox& box = unwrap_box(info[0], "any");
  box.object.reset();
  if (box.external_bytes != 0) {
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), -box.external_bytes);
    box.external_bytes = 0;
  }
  return info.Env().Undefined();
}

/// isDisposed(handle): boolean.
Napi::Value is_disposed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), unwrap_box(info[0], "any").object == nullptr);
}

}  // namespace

void register_handles(Napi::Env env, Napi::Object exports) {
  export_function<dispose>(env, exports, "dispose");
  export_function<is_disposed>(env, exports, "isDisposed");
}

}  // namespace saev::bind

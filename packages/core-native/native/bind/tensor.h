#pragma once
// Tensors cross as handles; bytes are copied only when somebody asks.

#include <ATen/core/Tensor.h>
#include <napi.h>

namespace saev::bind {

/// A handle of class "Tensor" for `tensor` (any layout; made contiguous when read).
Napi::Value wrap_tensor(Napi::Env env, const at::Tensor& tensor);
/// The tensor behind a handle. Throws Code::kWrongHandle or Code::kDisposed.
at::Tensor unwrap_tensor(const Napi::Value& value);

void register_tensor(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

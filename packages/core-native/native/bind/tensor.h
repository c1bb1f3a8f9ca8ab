#pragma once
// Tensors cross as handles; bytes are copied only when somebody asks.

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <napi.h>

#include <cstring>
#include <vector>

namespace saev::bind {

/// A handle of class "Tensor" for `tensor` (any layout; made contiguous when read).
Napi::Value wrap_tensor(Napi::Env env, const at::Tensor& tensor);
/// The tensor behind a handle. Throws Code::kWrongHandle or Code::kDisposed.
at::Tensor unwrap_tensor(const Napi::Value& value);

/// A new tensor with a copy of `data`, C order, whose elements are `dtype`.
template <typename T>
Napi::Value array_tensor(Napi::Env env, const T* data, const std::vector<int64_t>& shape,
                         at::ScalarType dtype) {
  at::Tensor t = at::empty(shape, dtype);
  if (t.numel() > 0) std::memcpy(t.mutable_data_ptr(), data, static_cast<size_t>(t.numel()) * sizeof(T));
  return wrap_tensor(env, t);
}

void register_tensor(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

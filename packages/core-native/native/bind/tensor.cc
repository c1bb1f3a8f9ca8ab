#include "bind/tensor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cstring>
#include <string>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/handle.h"

namespace saev::bind {
namespace {

constexpr const char* kTensorKind = "Tensor";

struct Dtype {
  const char* name;
  at::ScalarType type;
};
constexpr Dtype kDtypes[] = {{"float32", at::kFloat},     {"float64", at::kDouble}, {"float16", at::kHalf},
                             {"bfloat16", at::kBFloat16}, {"int64", at::kLong},     {"int32", at::kInt},
                             {"int16", at::kShort},       {"int8", at::kChar},      {"uint8", at::kByte},
                             {"bool", at::kBool}};

const char* dtype_name(at::ScalarType type) {
  for (const auto& d : kDtypes) {
    if (d.type == type) return d.name;
  }
  return "unknown";
}

at::ScalarType dtype_of(const std::string& name) {
  for (const auto& d : kDtypes) {
    if (name == d.name) return d.type;
  }
  throw Error(Code::kInvalidArgument,
              "dtype: expected float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8 or "
              "bool, found '" +
                  name + "'");
}

/// tensorFrom(bytes: Uint8Array, shape: number[], dtype: string) → handle; copies.
Napi::Value tensor_from(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) throw Error(Code::kInvalidArgument, "data: expected a typed array");
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const auto shape = ints_of(info[1], "shape");
  const auto dtype = dtype_of(string_of(info[2], "dtype"));
  int64_t n = 1;
  for (const int64_t d : shape) {
    if (d < 0 || (d > 0 && n > INT64_MAX / d)) {
      throw Error(Code::kShapeMismatch, "shape: sizes must be 0 or more, and their product a 64-bit number");
    }
    n *= d;
  }
  const int64_t item = static_cast<int64_t>(c10::elementSize(dtype));
  if (n > INT64_MAX / item || n * item != static_cast<int64_t>(bytes.ByteLength())) {
    throw Error(Code::kShapeMismatch, "data: " + std::to_string(n) + " elements of " + dtype_name(dtype) +
                                          " were expected from the shape, found " +
                                          std::to_string(bytes.ByteLength()) + " bytes");
  }
  at::Tensor tensor = at::empty(shape, dtype);
  if (n > 0) std::memcpy(tensor.mutable_data_ptr(), bytes.Data(), bytes.ByteLength());
  return wrap_tensor(info.Env(), tensor);
}

/// tensorZeros(shape: number[]) → handle of a float32 tensor.
Napi::Value tensor_zeros(const Napi::CallbackInfo& info) {
  const auto shape = ints_of(info[0], "shape");
  int64_t n = 1;
  for (const int64_t d : shape) {
    if (d < 0 || (d > 0 && n > (INT64_MAX / 4) / d)) {
      throw Error(Code::kShapeMismatch, "shape: sizes must be 0 or more, and their product a 64-bit number");
    }
    n *= d;
  }
  return wrap_tensor(info.Env(), at::zeros(shape, at::kFloat));
}

/// tensorInfo(handle) → { shape, dtype }
Napi::Value tensor_info(const Napi::CallbackInfo& info) {
  const at::Tensor tensor = unwrap_tensor(info[0]);
  Napi::Env env = info.Env();
  Napi::Array shape = Napi::Array::New(env, tensor.dim());
  for (int64_t i = 0; i < tensor.dim(); ++i)
    shape.Set(static_cast<uint32_t>(i), static_cast<double>(tensor.size(i)));
  Napi::Object out = Napi::Object::New(env);
  out.Set("shape", shape);
  out.Set("dtype", dtype_name(tensor.scalar_type()));
  return out;
}

/// tensorBytes(handle) → ArrayBuffer with a copy, C order.
Napi::Value tensor_bytes(const Napi::CallbackInfo& info) {
  const at::Tensor tensor = unwrap_tensor(info[0]).cpu().contiguous();
  const auto bytes = static_cast<size_t>(tensor.nbytes());
  if (bytes > (size_t{4} << 30)) {
    throw Error(Code::kUnsupported,
                "this tensor has more than 4 GiB, the most one JavaScript buffer holds; read slices of it");
  }
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(info.Env(), bytes);
  if (bytes > 0) std::memcpy(buffer.Data(), tensor.const_data_ptr(), bytes);
  return buffer;
}

/// tensorNarrow(handle, dim, start, length) → handle on the same memory.
Napi::Value tensor_narrow(const Napi::CallbackInfo& info) {
  const at::Tensor tensor = unwrap_tensor(info[0]);
  const int64_t dim = int_of(info[1], "dim"), start = int_of(info[2], "start"),
                length = int_of(info[3], "length");
  if (dim < 0 || dim >= tensor.dim() || start < 0 || length < 0 || start > tensor.size(dim) - length) {
    throw Error(Code::kShapeMismatch, "narrow: the slice does not lie inside the tensor");
  }
  return wrap_tensor(info.Env(), tensor.narrow(dim, start, length));
}

}  // namespace

Napi::Value wrap_tensor(Napi::Env env, const at::Tensor& tensor) {
  return wrap(env, std::make_shared<at::Tensor>(tensor), kTensorKind, static_cast<int64_t>(tensor.nbytes()));
}

at::Tensor unwrap_tensor(const Napi::Value& value) {
  return *unwrap<at::Tensor>(value, kTensorKind);
}

void register_tensor(Napi::Env env, Napi::Object exports) {
  export_function<tensor_from>(env, exports, "tensorFrom");
  export_function<tensor_zeros>(env, exports, "tensorZeros");
  export_function<tensor_info>(env, exports, "tensorInfo");
  export_function<tensor_bytes>(env, exports, "tensorBytes");
  export_function<tensor_narrow>(env, exports, "tensorNarrow");
}

}  // namespace saev::bind

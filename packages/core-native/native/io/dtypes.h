#pragma once
// One element type, its three names on disk and its size. The only table of dtypes of the file formats.

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string_view>

namespace saev {

struct FileDtype {
  at::ScalarType type;
  int64_t size;               ///< bytes of an element
  const char* safetensors;    ///< "F32"
  const char* torch_storage;  ///< class in module torch: "FloatStorage"; "" when torch has none
  const char* torch_name;     ///< "float32"
  bool javascript;            ///< whether `Tensor` in TypeScript has it
};

/// Null when unknown.
const FileDtype* dtype_by_safetensors(std::string_view name);
const FileDtype* dtype_by_torch_storage(std::string_view name);
const FileDtype* dtype_by_torch_name(std::string_view name);
const FileDtype* dtype_by_type(at::ScalarType type);

}  // namespace saev

#include "io/dtypes.h"

namespace saev {
namespace {

constexpr FileDtype kDtypes[] = {
    {at::kFloat, 4, "F32", "FloatStorage", "float32", true},
    {at::kDouble, 8, "F64", "DoubleStorage", "float64", true},
    {at::kHalf, 2, "F16", "HalfStorage", "float16", true},
    {at::kBFloat16, 2, "BF16", "BFloat16Storage", "bfloat16", true},
    {at::kLong, 8, "I64", "LongStorage", "int64", true},
    {at::kInt, 4, "I32", "IntStorage", "int32", true},
    {at::kShort, 2, "I16", "ShortStorage", "int16", true},
    {at::kChar, 1, "I8", "CharStorage", "int8", true},
    {at::kByte, 1, "U8", "ByteStorage", "uint8", true},
    {at::kBool, 1, "BOOL", "BoolStorage", "bool", true},
    {at::kUInt16, 2, "U16", "", "uint16", false},
    {at::kUInt32, 4, "U32", "", "uint32", false},
    {at::kUInt64, 8, "U64", "", "uint64", false},
    {at::kFloat8_e4m3fn, 1, "F8_E4M3", "", "float8_e4m3fn", false},
    {at::kFloat8_e5m2, 1, "F8_E5M2", "", "float8_e5m2", false},
    {at::kComplexFloat, 8, "C64", "ComplexFloatStorage", "complex64", false},
};

template <typename Match>
const FileDtype* find(Match match) {
  for (const FileDtype& d : kDtypes) {
    if (match(d)) return &d;
  }
  return nullptr;
}

}  // namespace

const FileDtype* dtype_by_safetensors(std::string_view name) {
  return find([&](const FileDtype& d) { return name == d.safetensors; });
}
const FileDtype* dtype_by_torch_storage(std::string_view name) {
  return find([&](const FileDtype& d) { return !name.empty() && name == d.torch_storage; });
}
const FileDtype* dtype_by_torch_name(std::string_view name) {
  return find([&](const FileDtype& d) { return name == d.torch_name; });
}
const FileDtype* dtype_by_type(at::ScalarType type) {
  return find([&](const FileDtype& d) { return type == d.type; });
}

}  // namespace saev

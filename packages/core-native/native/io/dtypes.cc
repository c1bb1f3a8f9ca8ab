#include "io/dtypes.h"

namespace saev {
namespace {

constexpr FileDtype kDtypes[] = {
    {at::kFloat, "F32", "FloatStorage", "float32", true},
    {at::kDouble, "F64", "DoubleStorage", "float64", true},
    {at::kHalf, "F16", "HalfStorage", "float16", true},
    {at::kBFloat16, "BF16", "BFloat16Storage", "bfloat16", true},
    {at::kLong, "I64", "LongStorage", "int64", true},
    {at::kInt, "I32", "IntStorage", "int32", true},
    {at::kShort, "I16", "ShortStorage", "int16", true},
    {at::kChar, "I8", "CharStorage", "int8", true},
    {at::kByte, "U8", "ByteStorage", "uint8", true},
    {at::kBool, "BOOL", "BoolStorage", "bool", true},
    {at::kUInt16, "U16", "", "uint16", false},
    {at::kUInt32, "U32", "", "uint32", false},
    {at::kUInt64, "U64", "", "uint64", false},
    {at::kFloat8_e4m3fn, "F8_E4M3", "", "float8_e4m3fn", false},
    {at::kFloat8_e5m2, "F8_E5M2", "", "float8_e5m2", false},
    {at::kComplexFloat, "C64", "ComplexFloatStorage", "complex64", false},
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

#include "io/stored_dtype.h"

#include <cstring>

#include "core/error.h"
#include "io/json.h"
#include "kernels/cpu/half_rows.h"

namespace saev {

StoredDtype stored_dtype_of(const std::string& name) {
  for (const auto dtype : {StoredDtype::kFloat32, StoredDtype::kFloat16, StoredDtype::kBFloat16}) {
    if (name == name_of(dtype)) return dtype;
  }
  throw Error(Code::kInvalidArgument, "dtype: expected float32, float16 or bfloat16, found " + shown(name));
}

const char* name_of(StoredDtype dtype) {
  switch (dtype) {
    case StoredDtype::kFloat16:
      return "float16";
    case StoredDtype::kBFloat16:
      return "bfloat16";
    default:
      return "float32";
  }
}

void read_stored(StoredDtype dtype, const void* stored, int64_t n, float* out) {
  switch (dtype) {
    case StoredDtype::kFloat16:
      return widen_float16()(static_cast<const uint16_t*>(stored), n, out);
    case StoredDtype::kBFloat16:
      return widen_bfloat16()(static_cast<const uint16_t*>(stored), n, out);
    default:
      std::memcpy(out, stored, static_cast<size_t>(n) * sizeof(float));
  }
}

int64_t write_stored(StoredDtype dtype, const float* values, int64_t n, void* out) {
  switch (dtype) {
    case StoredDtype::kFloat16:
      return narrow_float16()(values, n, static_cast<uint16_t*>(out));
    case StoredDtype::kBFloat16:
      return narrow_bfloat16()(values, n, static_cast<uint16_t*>(out));
    default:
      std::memcpy(out, values, static_cast<size_t>(n) * sizeof(float));
      return -1;
  }
}

}  // namespace saev

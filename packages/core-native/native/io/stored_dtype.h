#pragma once
// How the values of an activation are stored. float32 is the Python package's; the others take half the disk
// and are ours.

#include <cstdint>
#include <string>

namespace saev {

enum class StoredDtype : uint8_t { kFloat32, kFloat16, kBFloat16 };

/// From "float32", "float16" or "bfloat16". Throws kInvalidArgument.
StoredDtype stored_dtype_of(const std::string& name);
const char* name_of(StoredDtype dtype);

constexpr int64_t bytes_of(StoredDtype dtype) {
  return dtype == StoredDtype::kFloat32 ? 4 : 2;
}

/// `n` stored values as float32: exact. Nothing needs to be aligned but float32 to 4 bytes.
void read_stored(StoredDtype dtype, const void* stored, int64_t n, float* out);
/// `n` values as they are stored, rounded to nearest, ties to even. Returns the first whose finite value is
/// too large for the format, −1 when there is none.
int64_t write_stored(StoredDtype dtype, const float* values, int64_t n, void* out);

}  // namespace saev

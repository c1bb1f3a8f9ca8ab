#include "kernels/cpu/encode_half.h"

#include <cmath>

#include "core/error.h"
#include "kernels/amx.h"
#include "kernels/cpu/rows_view.h"

namespace saev {
namespace {

constexpr int64_t kGroup = 4;

void pack_rows(const PackHalfRowsArgs& a) {
  const int64_t groups = (a.n + kGroup - 1) / kGroup;
  for (int64_t r = 0; r < groups * kGroup; ++r) {
    for (int64_t k = 0; k < a.stride; ++k) {
      const int64_t at = (r / kGroup * (a.stride / 2) + k / 2) * kGroup * 2 + r % kGroup * 2 + k % 2;
      a.packed[at] = r < a.n ? to_bfloat16(a.rows[r * a.stride + k]) : uint16_t{0};
    }
  }
}

void pack_panels(const PackHalfPanelsArgs& a) {
  for (int64_t j = 0; j < a.n_panels * kPanel; ++j) {
    uint16_t* panel = a.packed + j / kPanel * kPanel * a.stride + j % kPanel * 2;
    for (int64_t k = 0; k < a.stride; ++k)
      panel[k / 2 * kPanel * 2 + k % 2] = to_bfloat16(a.w[j * a.stride + k]);
  }
}

void segment(const EncodeHalfArgs& a) {
  int32_t end = a.first;
  for (int64_t r = 0; r < a.n; ++r) {
    a.row_ptr[r] = end;
    const uint16_t* row = a.packed + r / kGroup * kGroup * a.stride + r % kGroup * 2;
    for (int64_t j = 0; j < a.n_panels * kPanel; ++j) {
      const uint16_t* w = a.w + j / kPanel * kPanel * a.stride + j % kPanel * 2;
      float h = 0;
      for (int64_t k = 0; k < a.stride; ++k) {
        h = std::fma(from_bfloat16(row[k / 2 * kGroup * 2 + k % 2]),
                     from_bfloat16(w[k / 2 * kPanel * 2 + k % 2]), h);
      }
      h += a.bias[j];
      if (!(h > a.floor[r])) continue;
      a.value[end - a.first] = h;
      a.index[end++ - a.first] = static_cast<uint16_t>(j);
    }
  }
  a.row_ptr[a.n] = end;
}

}  // namespace

const HalfEncoder* half_encoders(Level level, int* n) {
  static const HalfEncoder plain[] = {{"plain", kGroup, 1, pack_rows, pack_panels, segment}};
  *n = 0;
  if (level == Level::kPlain) {
    *n = 1;
    return plain;
  }
#if defined(SAEV_HAS_AVX2)
  static const HalfEncoder wide[] = {{"amx-bf16", 32, 16, avx512amx::pack_half_rows,
                                      avx512amx::pack_half_panels, avx512amx::encode_half_segment},
                                     {"avx512-bf16", 12, 1, avx512bf16::pack_half_rows,
                                      avx512bf16::pack_half_panels, avx512bf16::encode_half_segment}};
  if (level == Level::kAvx512 && __builtin_cpu_supports("avx512bf16")) {
    *n = has_amx().bfloat16 ? 2 : 1;
    return wide + (2 - *n);
  }
#endif
  return nullptr;
}

const HalfEncoder& half_encoder(Level level) {
  int n = 0;
  const HalfEncoder* found = half_encoders(level, &n);
  if (n == 0) {
    const std::string has = cpu_features();
    throw Error(Code::kUnsupported,
                "products of bfloat16 need a CPU with AVX512-BF16 or AMX; this one, at level " +
                    std::string(level_name(level)) + ", has " + (has.empty() ? "neither" : has) +
                    "; ask for float32");
  }
  return *found;
}

}  // namespace saev

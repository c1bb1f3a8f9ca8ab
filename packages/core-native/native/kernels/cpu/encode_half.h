#pragma once
// The encoder's product with x and W_enc rounded to bfloat16 and sums in float32, and at once the h above the
// row's floor as lists, like encode_relu.h: for CPUs that have instructions for it, where a run asks for it.
// W_enc and b_enc themselves stay float32; only what is multiplied is rounded.
//
// A value differs from that of the rounded operands by the rounding of its sums alone: at most steps · 2⁻²³ ·
// Σ |x w|, with two columns a step. Denormal operands and results may be taken as 0.

#include <cstdint>

#include "kernels/cpu/encode_relu.h"
#include "kernels/level.h"

namespace saev {

struct PackHalfRowsArgs {
  const float* rows;  ///< as `centre_rows` leaves them
  int64_t n;
  int64_t stride;
  uint16_t*
      packed;  ///< out: [ceil(n / group)][ceil(stride / 2 / unit)][group][unit][2]; what is beyond becomes 0
};

struct PackHalfPanelsArgs {
  const float* w;  ///< [n_panels · kPanel][stride] rows of W_enc; 64-byte aligned
  int64_t stride;
  int64_t n_panels;
  uint16_t* packed;  ///< out: [panel][stride / 2][kPanel][2]
};

struct EncodeHalfArgs {
  const uint16_t* packed;  ///< rows
  int64_t n;
  int64_t stride;
  const uint16_t* w;  ///< [n_panels] packed panels, and kHalfSlack beyond the last one of all
  /// As of EncodeSegmentArgs.
  const float* bias;
  const float* floor;
  int64_t n_panels;
  float* row_value;
  uint16_t* row_index;
  float* value;
  uint16_t* index;
  int32_t* row_ptr;
  int32_t first;
};

/// Elements beyond the packed panels that a product may read, and multiplies by 0.
inline constexpr int64_t kHalfSlack = 1024;

/// How a CPU multiplies bfloat16.
struct HalfEncoder {
  const char* name;
  int64_t group;  ///< rows of a tile
  int64_t unit;   ///< pairs of columns of a row that lie together
  void (*pack_rows)(const PackHalfRowsArgs&);
  void (*pack_panels)(const PackHalfPanelsArgs&);
  void (*segment)(const EncodeHalfArgs&);

  /// Elements of a packed row.
  int64_t row_size(int64_t stride) const { return (stride + 2 * unit - 1) / (2 * unit) * 2 * unit; }
};

/// Ways of level `level` that this machine can run, best first; none where it has no instructions for them.
/// `kPlain` has a slow one, the reference.
const HalfEncoder* half_encoders(Level level, int* n);
/// The best of them. Throws Code::kUnsupported, naming what is needed, where there is none.
const HalfEncoder& half_encoder(Level level);

#define SAEV_DECLARE_HALF(level)                    \
  namespace level {                                 \
  void pack_half_rows(const PackHalfRowsArgs&);     \
  void pack_half_panels(const PackHalfPanelsArgs&); \
  void encode_half_segment(const EncodeHalfArgs&);  \
  }
SAEV_DECLARE_HALF(avx512bf16)
SAEV_DECLARE_HALF(avx512amx)
#undef SAEV_DECLARE_HALF

}  // namespace saev

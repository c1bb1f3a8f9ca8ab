#pragma once
// Which pre-activations can exceed a floor, from a product of 8-bit numbers, and the float32 values of those
// alone: what `encode_segment` lists, to the bit, at less than half its price where few latents are active.
//
// With x = s x̃ + e (x̃ whole numbers, s one scale a row) and w = t w̃ + d, the exact product is
//
//   x·w = s t x̃·w̃ + e·w + s x̃·d,   so   |x·w − s t x̃·w̃| ≤ ‖e‖ ‖w‖ + ‖s x̃‖ ‖d‖        (Cauchy–Schwarz)
//
// x̃·w̃ is computed in integers, without error. The float32 kernel's own h differs from x·w + b by at most
// η (‖x‖ ‖w‖ + |b|) and the bound below is itself rounded by no more than that, so a row's ‖e‖, a latent's
// ‖d‖ and |b| are enlarged by η = (steps + kLanes + 128) · 2⁻²⁴: one rounding a step, a lane and the bias in
// h, some twenty in the bound whose terms are at most thrice ‖x‖ ‖w‖ + |b|, and those of s, t, e and d. Norms
// are enlarged by 10⁻³, more than float32 sums of up to 2¹⁵ squares lose. kScreenTiny covers underflow.
//
//   h ≤ bound = s t x̃·w̃ + (b + η |b|) + ‖e‖ ‖w‖ + ‖s x̃‖ ‖d‖
//
// Pairs whose bound is not above the floor are not above it; the others are computed in float32, with the
// sums of encode_relu.h. Rows with a value that is not finite or beyond kScreenHuge have a bound of infinity,
// those below kScreenSmall are taken as 0 with all of them as error. Columns on which a row's scale would be
// wasted (real ViTs have some that are tens of times the others) can be left out of x̃ and w̃ and are
// multiplied in float32.

#include <cstdint>

#include "kernels/cpu/encode_relu.h"

namespace saev {

/// Columns that may be multiplied in float32 beside the integers.
inline constexpr int64_t kScreenColumns = 16;
/// Most columns of a row: the integer sums stay within 31 bits.
inline constexpr int64_t kScreenMostColumns = 1 << 15;
/// Added to each bound.
inline constexpr float kScreenTiny = 1e-32f;
/// By which norms are enlarged.
inline constexpr float kNormSlack = 1.001f;
/// Rows whose largest value is below or above these are not made into integers.
inline constexpr float kScreenSmall = 1e-15f, kScreenHuge = 1e15f;

struct ScreenProductArgs;

/// Columns whose products are added in 16 bits, where a form does so, before they are widened to 32. They are
/// two sums: `lane` 0 takes the columns with k mod 4 < 2, lane 1 the others.
inline constexpr int64_t kScreenChunk = 32;

/// Bytes of a latent's packed weights: with `wraps`, two numbers of 16 bits a chunk are among them.
inline int64_t screen_latent_bytes(int64_t stride, bool wraps) {
  return stride + (wraps ? (stride + kScreenChunk - 1) / kScreenChunk * 4 : 0);
}

/// How a CPU multiplies 8-bit numbers. x̃ is stored as x̃ + x_max without a sign, w̃ with one.
///
/// A form that wraps adds a lane's products in 16 bits, modulo 2¹⁶: Σ (x̃ + x_max) w̃ may leave them, but
/// begins at −x_max Σ w̃, so that it ends as Σ x̃ w̃, and |Σ x̃ w̃| ≤ ‖x̃‖ ‖w̃‖ ≤ x_lane · w_lane < 2¹⁵.
struct ScreenForm {
  const char* name;
  int32_t x_max;  ///< |x̃| at most
  int32_t w_max;  ///< |w̃| at most
  /// |w̃₀| + |w̃₁| of columns 2 i and 2 i + 1 at most, or 0 where nothing wraps: two products are added by an
  /// instruction that saturates, and 2 x_max · pair_max < 2¹⁵.
  int32_t pair_max;
  int32_t x_lane, w_lane;  ///< ‖x̃‖ and ‖w̃‖ of a lane at most, if it wraps
  int64_t group;           ///< rows of a tile
  int64_t unit;            ///< bytes of a row that lie together
  int64_t columns;         ///< latents of a tile: kPanel or a part of it
  void (*product)(const ScreenProductArgs&);

  bool wraps() const { return pair_max > 0; }
  /// Bytes of a packed row.
  int64_t row_bytes(int64_t stride) const { return (stride + unit - 1) / unit * unit; }
  /// Bytes of a packed latent.
  int64_t latent_bytes(int64_t stride) const { return screen_latent_bytes(stride, wraps()); }
};

/// Bytes beyond the packed latents that a product may read, and multiplies by 0.
inline constexpr int64_t kScreenSlack = 2048;

/// Ways of level `level` that this machine can run, best first; none where float32 is as fast.
/// `kPlain` has a slow one, for tests.
const ScreenForm* screen_forms(Level level, int* n);

struct ScreenRowsArgs {
  const float* rows;       ///< [n][stride] as `centre_rows` leaves them
  int64_t n;               ///< rows
  int64_t stride;          ///< floats of a row, a multiple of 16, at most kScreenMostColumns
  const int32_t* columns;  ///< [n_columns] to leave out, ascending
  int64_t n_columns;       ///< 0 … kScreenColumns
  ScreenForm form;
  float* buffer;    ///< scratch [stride]; 64-byte aligned
  uint8_t* packed;  ///< out: [ceil(n / group)][ceil(stride / unit)][group][unit]; what is beyond becomes 0
  float* scale;     ///< out: [n rounded up to groups] s
  float* error;     ///< out: ‖e‖ + η ‖x‖
  float* size;      ///< out: ‖s x̃‖
  float* beside;    ///< out: [rows][kScreenColumns] what was left out, padded with zeros
};

/// Per latent, for all latents of W_enc.
struct ScreenLatents {
  /// [panel][tile][stride / 8][2][form.columns][4]; where a form wraps, [columns][2 lanes] numbers of 16
  /// bits, −x_max Σ w̃, come before each chunk
  int8_t* packed;
  float* scale;    ///< [padded_sae] t
  int32_t* shift;  ///< x_max Σ w̃; not read where a form wraps
  float* bias;     ///< b + η |b| + kScreenTiny
  float* norm;     ///< ‖w‖
  float* error;    ///< ‖d‖ + η ‖w‖
  float* beside;   ///< [panel][kScreenColumns][kPanel] what was left out
};

struct ScreenPanelArgs {
  const float* w;     ///< [kPanel][stride] rows of W_enc
  const float* bias;  ///< [kPanel]
  int64_t stride;
  const int32_t* columns;
  int64_t n_columns;
  ScreenForm form;
  float* buffer;      ///< scratch [stride]; 64-byte aligned
  ScreenLatents out;  ///< of this panel
};

struct ScreenProductArgs {
  const uint8_t* packed;  ///< rows
  int64_t n;              ///< rows
  int64_t steps;          ///< stride / 8
  const float *scale, *error, *size, *beside;
  ScreenLatents latents;  ///< of the first panel
  int64_t n_columns;      ///< how many columns are beside
  int64_t n_panels;       ///< at most 65536 / kPanel
  const float* floor;     ///< [rows rounded up to groups]
  float* row_value;       ///< out: bounds above the floor, [row][n_panels · kPanel + kListSlack]
  uint16_t* row_index;    ///< out: latent within the segment
  int* count;             ///< [rows rounded up to groups] how many; begins as zeros
};

struct ExactArgs {
  const float* rows;  ///< [n][stride]
  int64_t n;
  int64_t stride;
  const float* w;     ///< [n_latents][stride]
  const float* bias;  ///< [n_latents]
  int64_t n_latents;
  const float* floor;         ///< [n]
  float* row_value;           ///< [n][n_latents + kListSlack]; overwritten
  const uint16_t* row_index;  ///< candidates
  const int* count;           ///< [n]
  uint16_t* by_latent;        ///< scratch [candidates]
  int32_t* position;          ///< scratch [candidates]
  int32_t* start;             ///< scratch [n_latents + 1]
  float* value;               ///< out, as of encode_segment
  uint16_t* index;
  int32_t* row_ptr;
  int32_t first;
};

SAEV_DECLARE_KERNEL(void, screen_rows, (const ScreenRowsArgs&))
SAEV_DECLARE_KERNEL(void, screen_panel, (const ScreenPanelArgs&))
SAEV_DECLARE_KERNEL(void, exact_segment, (const ExactArgs&))
SAEV_DECLARE_KERNEL(void, screen_product, (const ScreenProductArgs&))
namespace avxvnni {
void screen_product(const ScreenProductArgs&);
}
namespace avx512vnni {
void screen_product(const ScreenProductArgs&);
}
namespace avx512amx {
void screen_product(const ScreenProductArgs&);
}

/// η for rows of `stride` floats.
inline float screen_margin(int64_t stride) {
  return static_cast<float>(stride / kLanes + kLanes + 128) * 0x1p-24f;
}

}  // namespace saev

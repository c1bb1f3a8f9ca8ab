#pragma once
// h = (x − shift) W_enc + b_enc for a block of rows and a segment of latents, and at once the h above the
// row's floor (0 for ReLU) as lists: the rows × d_sae matrix never exists.
//
// The sum over d_vit is made of kLanes partial sums, lane l taking the columns l, l + kLanes, … in order,
// each with one rounding a term; the lanes are then added in order, and b_enc last. So a tile of many rows
// and latents, whose vectors run over latents, and the product of two rows, whose vectors run over columns
// (screen.h), make the same bits.
//
// A tile of (group rows) × (two vectors) keeps one lane's sums in registers. For it, rows are packed as
// [lane][group][step][group rows], and a panel of kPanel latents as [tile][lane][step][two vectors], so that
// what the product reads lies in order: one lane of all rows for each lane of a tile. The plain level has one
// tile a panel.

#include <cstdint>

#include "kernels/dispatch.h"

namespace saev {

/// Latents of a panel.
inline constexpr int64_t kPanel = 32;
/// Partial sums of a product.
inline constexpr int64_t kLanes = 16;
/// Most rows of one call.
inline constexpr int64_t kMaxBlockRows = 192;
/// Elements that list kernels may write or read beyond the end of a list.
inline constexpr int64_t kListSlack = 32;

struct CentreRowsArgs {
  const float* x;            ///< [n, d_vit], C order
  int64_t n;                 ///< rows
  int64_t d_vit;             ///
  const float* shift;        ///< [d_vit] subtracted from each row (b_dec), or null
  const float* slice_shift;  ///< [d_vit] subtracted in `slices`; not null where `slices` is not
  float* rows;               ///< out: [n][stride], 64-byte aligned, padded with zeros
  int64_t stride;            ///< floats of a row: d_vit rounded up to kLanes
  float* slices;             ///< out: x − slice_shift as [slice][row][width], or null
  int64_t slice_width;       ///< floats of a slice; the last slice is padded with zeros
  int64_t slice_stride;      ///< floats from one slice to the next
};

struct PackRowsArgs {
  const float* rows;  ///< as `centre_rows` leaves them
  int64_t n;
  int64_t stride;
  float* packed;  ///< out: [kLanes][ceil(n / group)][stride / kLanes][group]; rows beyond n become 0
};

struct PackPanelsArgs {
  const float* w;  ///< [n_panels · kPanel][stride] rows of W_enc; 64-byte aligned
  int64_t stride;
  int64_t n_panels;
  float* packed;  ///< out: [panel][tile][lane][step][columns of a tile]; 64-byte aligned
};

struct EncodeSegmentArgs {
  const float* packed;  ///< rows as `pack_rows` leaves them
  int64_t n;            ///< rows
  int64_t stride;       ///< floats of a row of W_enc
  const float* w;       ///< [n_panels] panels as `pack_panels` leaves them
  const float* bias;    ///< [n_panels · kPanel]
  const float* floor;   ///< [rows rounded up to groups]: h is listed when it is greater
  int64_t n_panels;     ///< at most 65536 / kPanel, so that an index fits in 16 bits
  float* row_value;     ///< scratch [rows rounded up to groups][n_panels · kPanel + kListSlack]
  uint16_t* row_index;  ///< scratch of the same shape
  float* value;         ///< out: lists, row after row; room for n · n_panels · kPanel + kListSlack
  uint16_t* index;      ///< out: latent within the segment
  int32_t* row_ptr;     ///< out: [n + 1] bounds of the lists in `value`, beginning at `first`
  int32_t first;        ///< what row_ptr counts from
};

SAEV_DECLARE_KERNEL(int64_t, encode_group_rows, ())
SAEV_DECLARE_KERNEL(void, centre_rows, (const CentreRowsArgs&))
SAEV_DECLARE_KERNEL(void, pack_rows, (const PackRowsArgs&))
SAEV_DECLARE_KERNEL(void, pack_panels, (const PackPanelsArgs&))
SAEV_DECLARE_KERNEL(void, encode_segment, (const EncodeSegmentArgs&))

}  // namespace saev

#pragma once
// h = (x − shift) W_enc + b_enc for a block of rows and a segment of latents, and at once the h above the
// row's floor (0 for ReLU) as lists: the rows × d_sae matrix never exists.
//
// W_enc is kept in panels of kPanel latents, [panel][d_vit][kPanel]; rows are packed in groups of
// `encode_group_rows`, [group][d_vit][group rows]. A tile of (group rows) × (two vectors) keeps its sums in
// registers over the whole of d_vit.

#include <cstdint>

#include "kernels/dispatch.h"

namespace saev {

/// Latents of a panel.
inline constexpr int64_t kPanel = 32;
/// Most rows of one call.
inline constexpr int64_t kMaxBlockRows = 192;
/// Elements that list kernels may write or read beyond the end of a list.
inline constexpr int64_t kListSlack = 32;

struct PackRowsArgs {
  const float* x;            ///< [n, d_vit], C order
  int64_t n;                 ///< rows
  int64_t d_vit;             ///
  const float* shift;        ///< [d_vit] subtracted from each row (b_dec), or null
  const float* slice_shift;  ///< [d_vit] subtracted in `slices`; not null where `slices` is not
  float* packed;             ///< [ceil(n / group)][d_vit][group]; rows beyond n become 0
  float* slices;             ///< x − slice_shift as [slice][row][width], or null
  int64_t slice_width;       ///< floats of a slice; the last slice is padded with zeros
  int64_t slice_stride;      ///< floats from one slice to the next
};

struct EncodeSegmentArgs {
  const float* packed;  ///< rows as `pack_rows` leaves them
  int64_t n;            ///< rows
  int64_t d_vit;
  const float* w;       ///< [n_panels][d_vit][kPanel]
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
SAEV_DECLARE_KERNEL(void, pack_rows, (const PackRowsArgs&))
SAEV_DECLARE_KERNEL(void, encode_segment, (const EncodeSegmentArgs&))

}  // namespace saev

#pragma once
// How parameters lie in memory for the kernels, and the way there and back. Values are copied, never changed.
//
//   W_enc  [latent][row_stride]            a row a latent, its columns padded with zeros to a multiple of 16
//   W_dec  [slice][latent][slice_width]    a slice is some columns of d_vit, the last one padded with zeros
//
// Latents are padded to a multiple of kPanel. Padded latents have no weights and no bias, so they never fire;
// padded columns stay 0 in every gradient.

#include <cstdint>

#include "core/aligned.h"
#include "kernels/level.h"

namespace saev {

struct Layout {
  int64_t d_vit = 0;
  int64_t d_sae = 0;
  int64_t slice_width = 0;  ///< columns of a slice, a multiple of 16
  int64_t n_slices = 0;
  int64_t n_panels = 0;  ///< of kPanel latents

  Layout() = default;
  /// Slices as wide as the registers of `level` hold, with as little padding as can be.
  /// Throws Code::kInvalidArgument unless both sizes are at least 1.
  Layout(int64_t d_vit, int64_t d_sae, Level level);

  int64_t padded_vit() const { return n_slices * slice_width; }
  int64_t padded_sae() const;
  int64_t slice_stride() const { return padded_sae() * slice_width; }  ///< floats of one slice of W_dec
  int64_t row_stride() const { return (d_vit + 15) / 16 * 16; }        ///< floats of a row of W_enc
  int64_t encoder_size() const { return padded_sae() * row_stride(); }
  int64_t decoder_size() const { return padded_sae() * padded_vit(); }

  /// W_enc [d_vit, d_sae] ↔ rows.
  void pack_encoder(const float* plain, float* packed) const;
  void unpack_encoder(const float* packed, float* plain) const;
  /// W_dec [d_sae, d_vit] ↔ slices.
  void pack_decoder(const float* plain, float* packed) const;
  void unpack_decoder(const float* packed, float* plain) const;
};

}  // namespace saev

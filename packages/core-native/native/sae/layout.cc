#include "sae/layout.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "kernels/cpu/encode_relu.h"

namespace saev {

Layout::Layout(int64_t vit, int64_t sae, Level level) : d_vit(vit), d_sae(sae) {
  if (vit < 1 || sae < 1 || vit > (int64_t{1} << 24) || sae > (int64_t{1} << 24)) {
    throw Error(Code::kInvalidArgument, "an SAE needs d_vit from 1 to 2^24 and d_sae from 1 to 2^24; found " +
                                            std::to_string(vit) + " and " + std::to_string(sae));
  }
  // Twelve vectors of sums stay in registers: 192 columns with AVX-512, 96 with AVX2.
  const int64_t widest = level == Level::kAvx512 ? 12 : 6;  // in units of 16 columns
  const int64_t units = (vit + 15) / 16;
  int64_t best_padding = -1;
  for (int64_t n = (units + widest - 1) / widest; n <= 2 * ((units + widest - 1) / widest); ++n) {
    const int64_t width = (units + n - 1) / n;
    const int64_t padding = n * width - units;
    if (best_padding < 0 || padding < best_padding) {
      best_padding = padding;
      n_slices = n;
      slice_width = 16 * width;
    }
  }
  n_panels = (sae + kPanel - 1) / kPanel;
}

int64_t Layout::padded_sae() const {
  return n_panels * kPanel;
}

void Layout::pack_encoder(const float* plain, float* packed) const {
  const int64_t stride = row_stride();
  std::fill_n(packed, encoder_size(), 0.0f);
  for (int64_t j0 = 0; j0 < d_sae; j0 += kPanel) {
    const int64_t end = std::min(d_sae, j0 + kPanel);
    for (int64_t k = 0; k < d_vit; ++k) {
      for (int64_t j = j0; j < end; ++j) packed[j * stride + k] = plain[k * d_sae + j];
    }
  }
}

void Layout::unpack_encoder(const float* packed, float* plain) const {
  const int64_t stride = row_stride();
  for (int64_t j0 = 0; j0 < d_sae; j0 += kPanel) {
    const int64_t end = std::min(d_sae, j0 + kPanel);
    for (int64_t k = 0; k < d_vit; ++k) {
      for (int64_t j = j0; j < end; ++j) plain[k * d_sae + j] = packed[j * stride + k];
    }
  }
}

void Layout::pack_decoder(const float* plain, float* packed) const {
  std::fill_n(packed, decoder_size(), 0.0f);
  for (int64_t s = 0; s < n_slices; ++s) {
    const int64_t n = std::min(slice_width, d_vit - s * slice_width);
    if (n <= 0) break;
    for (int64_t j = 0; j < d_sae; ++j) {
      std::copy_n(plain + j * d_vit + s * slice_width, n, packed + s * slice_stride() + j * slice_width);
    }
  }
}

void Layout::unpack_decoder(const float* packed, float* plain) const {
  for (int64_t s = 0; s < n_slices; ++s) {
    const int64_t n = std::min(slice_width, d_vit - s * slice_width);
    if (n <= 0) break;
    for (int64_t j = 0; j < d_sae; ++j) {
      std::copy_n(packed + s * slice_stride() + j * slice_width, n, plain + j * d_vit + s * slice_width);
    }
  }
}

}  // namespace saev

#include "kernels/cpu/encode_relu.h"

namespace saev::plain {

int64_t encode_group_rows() {
  return 4;
}

void pack_rows(const PackRowsArgs& a) {
  const int64_t group = encode_group_rows();
  const int64_t groups = (a.n + group - 1) / group;
  for (int64_t r = 0; r < groups * group; ++r) {
    float* out = a.packed + r / group * group * a.d_vit + r % group;
    for (int64_t k = 0; k < a.d_vit; ++k) {
      out[k * group] = r < a.n ? a.x[r * a.d_vit + k] - (a.shift ? a.shift[k] : 0.0f) : 0.0f;
    }
  }
  if (a.slices == nullptr) return;
  const int64_t n_slices = (a.d_vit + a.slice_width - 1) / a.slice_width;
  for (int64_t s = 0; s < n_slices; ++s) {
    for (int64_t r = 0; r < a.n; ++r) {
      for (int64_t i = 0; i < a.slice_width; ++i) {
        const int64_t k = s * a.slice_width + i;
        a.slices[s * a.slice_stride + r * a.slice_width + i] =
            k < a.d_vit ? a.x[r * a.d_vit + k] - a.slice_shift[k] : 0.0f;
      }
    }
  }
}

void encode_segment(const EncodeSegmentArgs& a) {
  const int64_t group = encode_group_rows();
  int32_t end = a.first;
  for (int64_t r = 0; r < a.n; ++r) {
    a.row_ptr[r] = end;
    const float* row = a.packed + r / group * group * a.d_vit + r % group;
    for (int64_t j = 0; j < a.n_panels * kPanel; ++j) {
      const float* w = a.w + j / kPanel * kPanel * a.d_vit + j % kPanel;
      float h = 0;
      for (int64_t k = 0; k < a.d_vit; ++k) h += row[k * group] * w[k * kPanel];
      h += a.bias[j];
      if (h > a.floor[r]) {
        a.value[end - a.first] = h;
        a.index[end - a.first] = static_cast<uint16_t>(j);
        ++end;
      }
    }
  }
  a.row_ptr[a.n] = end;
}

}  // namespace saev::plain

#include "kernels/cpu/encode_relu.h"

#include <cmath>

namespace saev::plain {

int64_t encode_group_rows() {
  return 4;
}

void centre_rows(const CentreRowsArgs& a) {
  for (int64_t r = 0; r < a.n; ++r) {
    for (int64_t k = 0; k < a.stride; ++k) {
      a.rows[r * a.stride + k] = k < a.d_vit ? a.x[r * a.d_vit + k] - (a.shift ? a.shift[k] : 0.0f) : 0.0f;
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

void pack_rows(const PackRowsArgs& a) {
  const int64_t group = encode_group_rows(), steps = a.stride / kLanes;
  const int64_t groups = (a.n + group - 1) / group;
  for (int64_t r = 0; r < groups * group; ++r) {
    for (int64_t k = 0; k < a.stride; ++k) {
      const int64_t at = ((k % kLanes * groups + r / group) * steps + k / kLanes) * group + r % group;
      a.packed[at] = r < a.n ? a.rows[r * a.stride + k] : 0.0f;
    }
  }
}

void pack_panels(const PackPanelsArgs& a) {
  const int64_t steps = a.stride / kLanes;
  for (int64_t j = 0; j < a.n_panels * kPanel; ++j) {
    float* panel = a.packed + j / kPanel * kPanel * a.stride + j % kPanel;
    for (int64_t k = 0; k < a.stride; ++k)
      panel[(k % kLanes * steps + k / kLanes) * kPanel] = a.w[j * a.stride + k];
  }
}

void encode_segment(const EncodeSegmentArgs& a) {
  const int64_t group = encode_group_rows(), steps = a.stride / kLanes;
  const int64_t lane_size = (a.n + group - 1) / group * group * steps;
  int32_t end = a.first;
  for (int64_t r = 0; r < a.n; ++r) {
    a.row_ptr[r] = end;
    const float* row = a.packed + r / group * group * steps + r % group;
    for (int64_t j = 0; j < a.n_panels * kPanel; ++j) {
      const float* w = a.w + j / kPanel * kPanel * a.stride + j % kPanel;
      float h = 0;
      for (int64_t l = 0; l < kLanes; ++l) {
        float sum = 0;
        for (int64_t i = 0; i < steps; ++i)
          sum = std::fma(row[l * lane_size + i * group], w[(l * steps + i) * kPanel], sum);
        h += sum;
      }
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

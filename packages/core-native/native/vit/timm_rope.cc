#include "vit/timm_rope.h"

#include <ATen/ops/empty.h>

#include <cmath>

namespace saev {

at::Tensor timm_angles(const ModelSizes& sizes, const TimmRope& rope) {
  const int64_t rows = sizes.height / sizes.patch_height, columns = sizes.width / sizes.patch_width;
  const int64_t quarter = sizes.d_vit / sizes.heads / 4;
  const auto place = [&rope](int64_t i, int64_t n) {
    return (static_cast<float>(i) + static_cast<float>(rope.offset)) / static_cast<float>(n) *
           static_cast<float>(rope.side);
  };
  at::Tensor out = at::empty({rows * columns, 2 * quarter}, at::kFloat);
  float* to = out.mutable_data_ptr<float>();
  for (int64_t patch = 0; patch < rows * columns; ++patch) {
    const float y = place(patch / columns, rows), x = place(patch % columns, columns);
    const float first = rope.x_first ? x : y, second = rope.x_first ? y : x;
    for (const float at : {first, second}) {
      for (int64_t i = 0; i < quarter; ++i) {
        const auto exponent = static_cast<float>(i) / static_cast<float>(quarter);
        *to++ = at * (1.f / std::pow(10000.f, exponent));
      }
    }
  }
  return out;
}

}  // namespace saev

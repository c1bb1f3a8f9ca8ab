#include "vit/rope.h"

#include <ATen/ops/cos.h>
#include <ATen/ops/sin.h>

#include "core/parallel.h"

namespace saev {
namespace {

/// One head of one token. `step` lies between the pairs, `apart` between the two of a pair.
void rotate_head(float* x, const float* cos, const float* sin, int64_t pairs, int64_t step, int64_t apart) {
  for (int64_t i = 0; i < pairs; ++i) {
    float &a = x[i * step], &b = x[i * step + apart];
    const float turned = a * cos[i] - b * sin[i];
    b = b * cos[i] + a * sin[i];
    a = turned;
  }
}

}  // namespace

std::shared_ptr<const Rope> rope_of_angles(const at::Tensor& angles, int64_t prefix, bool interleaved) {
  return std::make_shared<const Rope>(
      Rope{angles.cos().contiguous(), angles.sin().contiguous(), prefix, interleaved});
}

void rotate(const Rope& rope, at::Tensor& qkv, int64_t images, int64_t heads) {
  const int64_t patches = rope.cos.size(0), pairs = rope.cos.size(1), width = qkv.size(1),
                tokens = rope.prefix + patches;
  const float *cos = rope.cos.const_data_ptr<float>(), *sin = rope.sin.const_data_ptr<float>();
  float* const data = qkv.mutable_data_ptr<float>();
  parallel_tasks(images, [&](int64_t image, int) {
    for (int64_t p = 0; p < patches; ++p) {
      float* token = data + (image * tokens + rope.prefix + p) * width;
      // Heads of the queries lie before those of the keys, without a gap.
      for (int64_t head = 0; head < 2 * heads; ++head) {
        float* x = token + head * 2 * pairs;
        if (rope.interleaved) {
          rotate_head(x, cos + p * pairs, sin + p * pairs, pairs, 2, 1);
        } else {
          rotate_head(x, cos + p * pairs, sin + p * pairs, pairs, 1, pairs);
        }
      }
    }
  });
}

}  // namespace saev

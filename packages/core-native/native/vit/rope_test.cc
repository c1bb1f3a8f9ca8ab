#include "vit/rope.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <complex>

#include "test/check.h"

// Turning is multiplication by e^(i angle): computed in float64. One product and one sum in float32 each.
TEST(rope_turns_pairs_of_queries_and_keys) {
  const int64_t images = 3, patches = 5, pairs = 4, heads = 2, prefix = 2, d = heads * 2 * pairs;
  const int64_t tokens = prefix + patches;
  at::Tensor angles = at::empty({patches, pairs}, at::kFloat);
  for (int64_t i = 0; i < angles.numel(); ++i) {
    angles.mutable_data_ptr<float>()[i] = static_cast<float>(i) * 0.61f - 4;
  }
  for (const bool interleaved : {false, true}) {
    at::Tensor qkv = at::empty({images * tokens, 3 * d}, at::kFloat);
    for (int64_t i = 0; i < qkv.numel(); ++i) {
      qkv.mutable_data_ptr<float>()[i] = std::sin(static_cast<float>(i) * 0.37f);
    }
    const at::Tensor before = qkv.clone();
    saev::rotate(*saev::rope_of_angles(angles, prefix, interleaved), qkv, images, heads);
    for (int64_t row = 0; row < images * tokens; ++row) {
      const int64_t patch = row % tokens - prefix;
      const float *old = before.const_data_ptr<float>() + row * 3 * d,
                  *now = qkv.const_data_ptr<float>() + row * 3 * d;
      for (int64_t i = 0; i < 3 * d; ++i) {
        if (patch < 0 || i >= 2 * d) {
          CHECK(now[i] == old[i]);
          continue;
        }
        const int64_t at = i % (2 * pairs), head = i - at;
        const int64_t pair = interleaved ? at / 2 : at % pairs;
        const bool second = interleaved ? at % 2 == 1 : at >= pairs;
        const float a = old[head + (interleaved ? 2 * pair : pair)],
                    b = old[head + (interleaved ? 2 * pair + 1 : pair + pairs)];
        const std::complex<double> turned =
            std::complex<double>(a, b) *
            std::polar(1.0, static_cast<double>(angles.const_data_ptr<float>()[patch * pairs + pair]));
        CHECK_CLOSE(now[i], second ? turned.imag() : turned.real(), 5e-7);
      }
    }
  }
}

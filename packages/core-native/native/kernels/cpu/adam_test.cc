// Adam on a vector, on the decoder's rows and on the encoder's rows: every level against the plain form.
#include "kernels/cpu/adam.h"

#include <algorithm>
#include <string>

#include "core/aligned.h"
#include "core/error.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

using Array = AlignedArray<float>;

const AdamStep kStep{0.9f, 0.999f, 1e-8f, 0.1f, 0.001f, 1e-2f, 3.0f};

Array normal(int64_t n, test::Random& random, bool positive = false) {
  Array a(static_cast<size_t>(n));
  random.fill(a.data(), n);
  for (float& v : a.span()) v = positive ? v * v : v;
  return a;
}

Array copy(const Array& from) {
  Array a(from.size());
  std::copy_n(from.data(), from.size(), a.data());
  return a;
}

/// A few roundings of values of size 1; `what` names level and array.
void check_close(const Array& a, const Array& b, const std::string& what) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(std::fabs(a[i] - b[i]) <= 2e-6f * (1 + std::fabs(b[i])))) {
      test::fail(__FILE__, __LINE__,
                 what + ": " + std::to_string(a[i]) + ", expected " + std::to_string(b[i]));
      return;
    }
  }
}

}  // namespace

TEST(adam_vector_every_level) {
  test::Random random(1);
  for (int64_t n : {1, 7, 16, 100}) {
    const Array w = normal(n, random), m = normal(n, random), v = normal(n, random, true),
                g = normal(n, random);
    Array w0 = copy(w), m0 = copy(m), v0 = copy(v);
    plain::adam_vector(kStep, {w0.data(), m0.data(), v0.data(), g.data(), n});
    for (Level level : available_levels()) {
      Array w1 = copy(w), m1 = copy(m), v1 = copy(v);
      SAEV_PICK(level, adam_vector)(kStep, {w1.data(), m1.data(), v1.data(), g.data(), n});
      check_close(w1, w0, level_name(level));
      check_close(m1, m0, level_name(level));
      check_close(v1, v0, level_name(level));
    }
  }
}

TEST(adam_decoder_every_level) {
  test::Random random(2);
  const int64_t n = 5, all = 9, width = 48, slices = 3, stride = all * width;
  const Array w = normal(slices * stride, random), m = normal(slices * stride, random),
              v = normal(slices * stride, random, true), g = normal(slices * n * width, random),
              parallel = normal(n, random);
  for (bool normalize : {false, true}) {
    for (bool remove : {false, true}) {
      const auto run = [&](auto kernel, Array& w1, Array& m1, Array& v1, Array& norm) {
        kernel(kStep, {w1.data(), m1.data(), v1.data(), stride, slices, width, n, g.data(),
                       remove ? parallel.data() : nullptr, norm.data(), normalize});
      };
      Array w0 = copy(w), m0 = copy(m), v0 = copy(v), norm0(n);
      run(&plain::adam_decoder, w0, m0, v0, norm0);
      for (Level level : available_levels()) {
        Array w1 = copy(w), m1 = copy(m), v1 = copy(v), norm1(n);
        run(SAEV_PICK(level, adam_decoder), w1, m1, v1, norm1);
        check_close(w1, w0, level_name(level));
        check_close(m1, m0, level_name(level));
        check_close(v1, v0, level_name(level));
        check_close(norm1, norm0, level_name(level));
      }
    }
  }
}

TEST(adam_decoder_leaves_a_row_of_zeros) {
  for (Level level : available_levels()) {
    Array w(16), m(16), v(16), g(16), norm(1);
    SAEV_PICK(level, adam_decoder)
    (kStep, {w.data(), m.data(), v.data(), 16, 1, 16, 1, g.data(), nullptr, norm.data(), true});
    for (const float x : w.span()) CHECK(x == 0);
  }
}

TEST(adam_encoder_every_level) {
  test::Random random(3);
  for (int64_t stride : {16, 48, 80}) {
    const int64_t latents = 5, width = 48, slices = (stride + width - 1) / width,
                  slice_stride = latents * width, n = stride * latents;
    const Array w = normal(n, random), m = normal(n, random), v = normal(n, random, true),
                g = normal(slices * slice_stride, random), sum = normal(latents, random),
                b = normal(slices * width, random);
    const auto run = [&](auto kernel, Array& w1, Array& m1, Array& v1, Array& b1) {
      kernel(kStep, {w1.data(), m1.data(), v1.data(), stride, latents, g.data(), slice_stride, width,
                     sum.data(), b1.data()});
    };
    Array w0 = copy(w), m0 = copy(m), v0 = copy(v), b0 = copy(b);
    run(&plain::adam_encoder, w0, m0, v0, b0);
    for (Level level : available_levels()) {
      Array w1 = copy(w), m1 = copy(m), v1 = copy(v), b1 = copy(b);
      run(SAEV_PICK(level, adam_encoder), w1, m1, v1, b1);
      check_close(w1, w0, level_name(level));
      check_close(m1, m0, level_name(level));
      check_close(v1, v0, level_name(level));
      check_close(b1, b0, level_name(level));
    }
  }
}

}  // namespace saev

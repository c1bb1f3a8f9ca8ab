// gather_rows, decoder_gradient and residual at every level against their plain forms.
#include <vector>

#include "core/aligned.h"
#include "kernels/cpu/decoder_gradient.h"
#include "kernels/cpu/gather_rows.h"
#include "kernels/cpu/residual.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

struct Lists {
  std::vector<int32_t> ptr{0};
  std::vector<uint16_t> index;
  std::vector<float> value;

  Lists(int64_t n, int64_t rows, double density, test::Random& random) {
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t r = 0; r < rows; ++r) {
        if (random.uniform() < density) {
          index.push_back(static_cast<uint16_t>(r));
          value.push_back(random.normal());
        }
      }
      ptr.push_back(static_cast<int32_t>(index.size()));
    }
    index.resize(index.size() + 32);
    value.resize(value.size() + 32);
  }
  int64_t nnz() const { return ptr.back(); }
};

void check_equal(const float* a, const float* b, int64_t n, double tolerance, const char* what) {
  for (int64_t i = 0; i < n; ++i) {
    if (!(std::fabs(static_cast<double>(a[i]) - b[i]) <=
          tolerance * (1 + std::fabs(static_cast<double>(b[i]))))) {
      test::fail(what, 0,
                 std::to_string(a[i]) + ", expected " + std::to_string(b[i]) + " at " + std::to_string(i));
      return;
    }
  }
}

// Sums of up to some hundred float32 products in another order.
constexpr double kTolerance = 2e-5;

AlignedArray<float> normal(int64_t n, test::Random& random) {
  AlignedArray<float> a(static_cast<size_t>(n));
  random.fill(a.data(), n);
  return a;
}

}  // namespace

TEST(gather_rows_every_level) {
  test::Random random(1);
  for (int64_t width : {16, 32, 80, 96, 112, 176, 192, 208}) {
    for (double density : {0.0, 0.02, 0.6}) {
      const int64_t n = 33, rows = 150;
      const Lists lists(n, rows, density, random);
      const auto x = normal((rows + 64) * width, random), start = normal(n * width, random);
      AlignedArray<float> expected(static_cast<size_t>(n * width));
      std::copy_n(start.data(), n * width, expected.data());
      GatherRowsArgs args{x.data(),           width,           lists.ptr.data(), n, lists.index.data(),
                          lists.value.data(), expected.data(), nullptr,          0, false};
      plain::gather_rows(args);
      for (Level level : available_levels()) {
        for (bool ahead : {false, true}) {
          AlignedArray<float> out(static_cast<size_t>(n * width));
          std::copy_n(start.data(), n * width, out.data());
          args.out = out.data();
          args.look_ahead = ahead;
          args.next = ahead ? x.data() : nullptr;
          args.next_floats = ahead ? rows * width : 0;
          SAEV_PICK(level, gather_rows)(args);
          check_equal(out.data(), expected.data(), n * width, kTolerance, level_name(level));
        }
      }
    }
  }
}

TEST(decoder_gradient_every_level) {
  test::Random random(2);
  for (int64_t width : {16, 48, 96, 160, 192, 208}) {
    for (double density : {0.0, 0.01, 0.5}) {
      const int64_t n = 40, rows = 200;
      const Lists lists(n, rows, density, random);
      const auto e = normal(rows * width, random), w = normal(n * width, random),
                 g0 = normal(n * width, random);
      const auto dot0 = normal(lists.nnz() + 1, random);
      AlignedArray<float> g(g0.size()), dot(dot0.size()), scratch(8 * (200 + 80));
      std::copy_n(g0.data(), g.size(), g.data());
      std::copy_n(dot0.data(), dot.size(), dot.data());
      DecoderGradientArgs args{e.data(),
                               width,
                               w.data(),
                               lists.ptr.data(),
                               n,
                               lists.index.data(),
                               lists.value.data(),
                               g.data(),
                               dot.data(),
                               scratch.data(),
                               nullptr,
                               0,
                               false};
      plain::decoder_gradient(args);
      for (Level level : available_levels()) {
        for (bool ahead : {false, true}) {
          AlignedArray<float> g1(g0.size()), dot1(dot0.size());
          std::copy_n(g0.data(), g.size(), g1.data());
          std::copy_n(dot0.data(), dot.size(), dot1.data());
          args.g = g1.data();
          args.dot = dot1.data();
          args.look_ahead = ahead;
          SAEV_PICK(level, decoder_gradient)(args);
          check_equal(g1.data(), g.data(), n * width, kTolerance, level_name(level));
          check_equal(dot1.data(), dot.data(), lists.nnz() + 1, kTolerance * 4, level_name(level));
        }
      }
    }
  }
}

TEST(residual_every_level) {
  test::Random random(3);
  for (int64_t width : {16, 96, 112, 192, 208}) {
    const int64_t n = 37;
    const auto e = normal(n * width, random), sums0 = normal(width, random);
    AlignedArray<float> g(e.size()), sums(sums0.size());
    std::copy_n(sums0.data(), width, sums.data());
    const double expected = plain::residual({e.data(), n, width, 0.25f, g.data(), sums.data()});
    for (Level level : available_levels()) {
      AlignedArray<float> g1(e.size()), sums1(sums0.size());
      std::copy_n(sums0.data(), width, sums1.data());
      const double found = SAEV_PICK(level, residual)({e.data(), n, width, 0.25f, g1.data(), sums1.data()});
      CHECK_CLOSE(found, expected, 1e-6);
      check_equal(g1.data(), g.data(), n * width, 0, level_name(level));
      check_equal(sums1.data(), sums.data(), width, kTolerance, level_name(level));
    }
  }
}

}  // namespace saev

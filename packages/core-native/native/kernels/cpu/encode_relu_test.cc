#include "kernels/cpu/encode_relu.h"

#include <vector>

#include "core/aligned.h"
#include "core/error.h"
#include "sae/encode.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

/// All lists of a batch as a dense matrix [rows, padded_sae].
std::vector<float> dense(const ActiveLists& lists, int64_t padded_sae) {
  std::vector<float> f(static_cast<size_t>(lists.rows * padded_sae));
  for (int64_t b = 0; b < lists.n_blocks; ++b) {
    for (int64_t s = 0; s < lists.n_segments; ++s) {
      const int32_t* ptr = lists.ptr(b, s);
      for (int64_t r = 0; r < lists.block_rows(b); ++r) {
        for (int32_t q = ptr[r]; q < ptr[r + 1]; ++q) {
          const BlockLists& l = lists.blocks[static_cast<size_t>(b)];
          f[static_cast<size_t>((b * kRowBlock + r) * padded_sae + s * lists.segment + l.index()[q])] =
              l.value()[q];
        }
      }
    }
  }
  return f;
}

}  // namespace

TEST(encode_every_level_agrees_with_the_plain_product) {
  struct Shape {
    int64_t rows, d_vit, d_sae, segment;
    float offset;  // of b_enc: how many latents fire
  };
  const Shape shapes[] = {{1, 1, 1, 32, 0},      {5, 17, 40, 32, 0},      {97, 64, 256, 128, 0},
                          {200, 50, 333, 64, 1}, {96, 768, 96, 256, -30}, {13, 200, 1000, 512, -20}};
  for (const Shape& s : shapes) {
    test::Random random(static_cast<uint64_t>(s.rows * 1000 + s.d_sae));
    AlignedArray<float> x(static_cast<size_t>(s.rows * s.d_vit)), b_dec(static_cast<size_t>(s.d_vit + 256));
    std::vector<float> w(static_cast<size_t>(s.d_vit * s.d_sae));
    random.fill(x.data(), s.rows * s.d_vit);
    random.fill(b_dec.data(), s.d_vit);
    random.fill(w.data(), s.d_vit * s.d_sae);
    for (Level level : available_levels()) {
      const Layout layout(s.d_vit, s.d_sae, level);
      AlignedArray<float> packed(static_cast<size_t>(layout.encoder_size()));
      AlignedArray<float> bias(static_cast<size_t>(layout.padded_sae()));
      layout.pack_encoder(w.data(), packed.data());
      for (int64_t j = 0; j < s.d_sae; ++j)
        bias[static_cast<size_t>(j)] = s.offset + 0.01f * static_cast<float>(j % 7);
      AlignedArray<float> slices(static_cast<size_t>(s.rows * layout.padded_vit()));
      EncodeScratch scratch;
      ActiveLists lists;
      encode(level, layout,
             {x.data(), s.rows, packed.data(), bias.data(), b_dec.data(), b_dec.data(), slices.data()},
             s.segment, scratch, lists);
      const std::vector<float> f = dense(lists, layout.padded_sae());
      int64_t fired = 0;
      for (int64_t r = 0; r < s.rows; ++r) {
        for (int64_t j = 0; j < layout.padded_sae(); ++j) {
          double h = 0, size = 0;
          if (j < s.d_sae) {
            h = bias[static_cast<size_t>(j)];
            for (int64_t k = 0; k < s.d_vit; ++k) {
              const double t = (static_cast<double>(x[static_cast<size_t>(r * s.d_vit + k)]) -
                                b_dec[static_cast<size_t>(k)]) *
                               w[static_cast<size_t>(k * s.d_sae + j)];
              h += t;
              size += std::fabs(t);
            }
          }
          // float32 sums of d_vit products: each rounding is at most 6e-8 of the partial sums.
          const double tolerance = 6e-8 * (size + 30) * 4;
          const double found = f[static_cast<size_t>(r * layout.padded_sae() + j)];
          if (std::fabs(found - (h > 0 ? h : 0)) > tolerance) {
            test::fail(__FILE__, __LINE__,
                       std::string(level_name(level)) + ": " + std::to_string(found) + ", expected " +
                           std::to_string(h));
            return;
          }
          fired += found > 0;
        }
      }
      CHECK(fired == lists.nnz());
      for (int64_t r = 0; r < s.rows; ++r) {
        for (int64_t k = 0; k < layout.padded_vit(); ++k) {
          const float found = slices[static_cast<size_t>(
              (k / layout.slice_width * s.rows + r) * layout.slice_width + k % layout.slice_width)];
          const float expected =
              k < s.d_vit ? x[static_cast<size_t>(r * s.d_vit + k)] - b_dec[static_cast<size_t>(k)] : 0.0f;
          if (found != expected) {
            test::fail(__FILE__, __LINE__, "slices differ");
            return;
          }
        }
      }
    }
  }
}

TEST(layout_gives_back_the_bits_it_was_given) {
  for (Level level : available_levels()) {
    for (int64_t d_vit : {1, 15, 16, 64, 100, 192, 193, 384, 768, 1024, 1072}) {
      const int64_t d_sae = 3 * d_vit + 5;
      const Layout layout(d_vit, d_sae, level);
      CHECK(layout.slice_width % 16 == 0 && layout.padded_vit() >= d_vit);
      CHECK(layout.padded_vit() < d_vit + 128);
      std::vector<float> w(static_cast<size_t>(d_vit * d_sae)), back(w.size());
      test::Random random(7);
      random.fill(w.data(), d_vit * d_sae);
      std::vector<float> packed(static_cast<size_t>(layout.encoder_size()));
      layout.pack_encoder(w.data(), packed.data());
      layout.unpack_encoder(packed.data(), back.data());
      CHECK(w == back);
      packed.resize(static_cast<size_t>(layout.decoder_size()));
      layout.pack_decoder(w.data(), packed.data());
      back.assign(back.size(), 0);
      layout.unpack_decoder(packed.data(), back.data());
      CHECK(w == back);
    }
  }
  CHECK_THROWS(Layout(0, 5, Level::kPlain), Code::kInvalidArgument);
}

}  // namespace saev

#include "sae/sparse_autoencoder.h"

#include <cmath>

#include "core/error.h"
#include "sae/reference_step.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {

TEST(sparse_autoencoder_works_with_more_latents_than_16_bits_count) {
  const int64_t d_vit = 5, d_sae = 140'000, rows = 3;
  test::Random random(4);
  Params p(d_vit, d_sae);
  random.fill(p.w_enc.data(), d_vit * d_sae);
  random.fill(p.w_dec.data(), d_vit * d_sae, 1e-3f);
  random.fill(p.b_dec.data(), d_vit);
  for (auto& b : p.b_enc) b = -3;
  std::vector<float> x(static_cast<size_t>(rows * d_vit)), x_hat(x.size());
  random.fill(x.data(), rows * d_vit);
  const auto expected = reference_forward<float>(p, x.data(), rows, 0.0f);
  const SparseAutoencoder sae(p);
  SparseBatch f;
  sae.encode(x.data(), rows, f);
  CHECK(f.rows == rows && f.d_sae == d_sae);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t q = f.row_start[static_cast<size_t>(r)]; q < f.row_start[static_cast<size_t>(r) + 1]; ++q) {
      const int32_t j = f.latent[static_cast<size_t>(q)];
      CHECK(q == f.row_start[static_cast<size_t>(r)] || j > f.latent[static_cast<size_t>(q) - 1]);
      CHECK_CLOSE(f.value[static_cast<size_t>(q)], expected.f[static_cast<size_t>(r * d_sae + j)], 1e-5);
    }
  }
  CHECK(f.latent.back() > 65536);
  CHECK_CLOSE(static_cast<double>(f.nnz()) / rows, expected.l0, 1e-4);
  sae.decode(f, x_hat.data());
  for (size_t i = 0; i < x_hat.size(); ++i) CHECK_CLOSE(x_hat[i], expected.x_hat[i], 1e-4);
  SparseAutoencoder::Scratch scratch;
  const ForwardError error = sae.error(x.data(), rows, scratch);
  CHECK_CLOSE(error.squares / static_cast<double>(rows * d_vit), expected.mse, 1e-4);
  CHECK_CLOSE(error.l1 / rows, expected.l1, 1e-4);
}

TEST(a_state_kept_between_batches_changes_no_bit_of_any_kind) {
  const int64_t d_vit = 96, d_sae = 500;
  test::Random random(12);
  Params p(d_vit, d_sae);
  random.fill(p.w_enc.data(), d_vit * d_sae, 0.1f);
  random.fill(p.w_dec.data(), d_vit * d_sae, 0.1f);
  random.fill(p.b_dec.data(), d_vit);
  for (auto& b : p.b_enc) b = -2.5f;
  Params jump = p, gated = p;
  jump.threshold.assign(static_cast<size_t>(d_sae), 0.3f);
  gated.r_mag.assign(static_cast<size_t>(d_sae), 0.1f);
  gated.b_mag.assign(static_cast<size_t>(d_sae), -1.9f);
  const Activation top{.selection = Selection::kTopK, .top_k = 9},
      batch{.selection = Selection::kBatchTopK, .top_k = 9, .threshold = 0.4};
  const SparseAutoencoder saes[] = {
      SparseAutoencoder(p), SparseAutoencoder(p, EncoderInput::kCentred, top),
      SparseAutoencoder(p, EncoderInput::kRaw, batch),
      SparseAutoencoder(jump, EncoderInput::kRaw, {.selection = Selection::kJumpRelu}),
      SparseAutoencoder(gated, EncoderInput::kRaw, {.selection = Selection::kGated})};
  for (const SparseAutoencoder& sae : saes) {
    const auto state = sae.state();
    // Fewer rows than are worth a copy, enough of them, rows of which all latents are active, and few again.
    for (const auto& [rows, scale] : {std::pair{int64_t{7}, 1.0f}, {300, 1.0f}, {290, 60.0f}, {400, 1.0f}}) {
      std::vector<float> x(static_cast<size_t>(rows * d_vit));
      random.fill(x.data(), rows * d_vit, scale);
      SparseBatch with, without;
      sae.encode(x.data(), rows, with, state.get());
      sae.encode(x.data(), rows, without);
      CHECK(rows < 200 || with.nnz() > 0);
      CHECK(with.row_start == without.row_start && with.latent == without.latent &&
            with.value == without.value);
    }
    const auto& kept = dynamic_cast<const SparseAutoencoder::EncodeState&>(*state);
    CHECK((kept.screens != 0) == EncoderScreen::possible(active_level(), sae.layout()));
  }
  // The scratch of one SAE used for another.
  std::vector<float> x(static_cast<size_t>(300 * d_vit));
  random.fill(x.data(), 300 * d_vit);
  Params other = p;
  random.fill(other.w_enc.data(), d_vit * d_sae, 0.1f);
  const SparseAutoencoder second(other);
  for (const int64_t rows : {7, 300}) {
    SparseAutoencoder::Scratch scratch, fresh;
    saes[0].error(x.data(), rows, scratch);
    CHECK(second.error(x.data(), rows, scratch).squares == second.error(x.data(), rows, fresh).squares);
  }
}

TEST(sparse_autoencoder_refuses_latents_it_does_not_have) {
  const SparseAutoencoder sae(Params(3, 8));
  SparseBatch f;
  f.rows = 1;
  f.d_sae = 8;
  f.row_start = {0, 1};
  f.latent = {8};
  f.value = {1};
  std::vector<float> x_hat(3);
  CHECK_THROWS(sae.decode(f, x_hat.data()), Code::kShapeMismatch);
  f.d_sae = 9;
  CHECK_THROWS(sae.decode(f, x_hat.data()), Code::kShapeMismatch);
}

}  // namespace saev

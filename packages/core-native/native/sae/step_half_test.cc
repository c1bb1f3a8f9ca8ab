// Steps whose encoder multiplies bfloat16.
#include <cmath>
#include <string>

#include "kernels/cpu/encode_half.h"
#include "sae/reference_optimiser.h"
#include "sae/reference_step.h"
#include "sae/step.h"
#include "sae/step_test_util.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

StepOptions options_of(const Activation& activation, Precision precision) {
  StepOptions options;
  options.lr = 1e-3;
  options.sparsity_coeff = 0.01;
  options.activation = activation;
  options.encoder_precision = precision;
  return options;
}

std::vector<Level> levels_with_bfloat16() {
  std::vector<Level> found;
  for (Level level : available_levels()) {
    int n = 0;
    half_encoders(level, &n);
    if (n > 0) found.push_back(level);
  }
  return found;
}

}  // namespace

TEST(numbers_that_are_bfloat16_lose_nothing_in_a_step_with_bfloat16) {
  test::Random random(3);
  const int64_t rows = 130, d_vit = 100, d_sae = 450;
  Params init = random_params(d_vit, d_sae, -1, random);
  std::vector<float> x(static_cast<size_t>(rows * d_vit));
  random.fill(x.data(), rows * d_vit);
  for (auto* values : {&x, &init.w_enc})
    for (float& v : *values) v = from_bfloat16(to_bfloat16(v));
  // x − b_dec is rounded too.
  init.b_dec.assign(init.b_dec.size(), 0);
  const std::vector<double> xd(x.begin(), x.end());
  auto reference = cast<double>(init);
  reference_normalize(reference);
  const auto forward = reference_forward<double>(reference, xd.data(), rows, 0.01);
  auto gradient = reference_gradient<double>(reference, xd.data(), rows, 0.01, forward);
  reference_remove_parallel(reference, gradient);
  for (Level level : levels_with_bfloat16()) {
    TrainState state(init, true, level);
    StepScratch scratch;
    StepGradients found;
    const StepMetrics m =
        step(state, x.data(), rows, options_of({}, Precision::kBfloat16), scratch, nullptr, &found);
    CHECK_CLOSE(m.loss, forward.loss, 2e-6);
    CHECK_CLOSE(m.l0, forward.l0, 0);
    CHECK(m.screened < 0);
    check_params_close(found.grads, gradient, 5e-6, std::string(level_name(level)) + " gradient of");
  }
}

TEST(every_kind_trains_with_bfloat16_near_its_float32) {
  const int64_t rows = 200, d_vit = 64, d_sae = 512;
  const Activation kinds[] = {{Selection::kRelu, 0, true},
                              {Selection::kTopK, 16, true},
                              {Selection::kBatchTopK, 16, true},
                              {Selection::kJumpRelu, 0, true},
                              {Selection::kGated, 0, true}};
  for (Level level : levels_with_bfloat16()) {
    for (const Activation& kind : kinds) {
      test::Random random(9);
      Params init = random_params(d_vit, d_sae, -1, random);
      add_own_params(init, kind.selection, random);
      std::vector<float> x(static_cast<size_t>(rows * d_vit));
      random.fill(x.data(), rows * d_vit);
      double losses[2] = {};
      bool same_bits = true;
      std::vector<float> w_enc;
      for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
        TrainState state(init, true, level);
        StepScratch scratch;
        for (int i = 0; i < 5; ++i)
          losses[precision == Precision::kBfloat16] =
              step(state, x.data(), rows, options_of(kind, precision), scratch).loss;
        same_bits = w_enc == state.params().w_enc;
        w_enc = state.params().w_enc;
      }
      CHECK(!same_bits);
      // Each product is off by 2⁻⁸ of itself at most, their sums by far less.
      CHECK_CLOSE(losses[1] / losses[0], 1, 0.01);
    }
  }
}

}  // namespace saev

// The blocked step at every level against the step written as the formulas are, and that against finite
// differences.
#include "sae/step.h"

#include <string>

#include "core/error.h"
#include "core/parallel.h"
#include "sae/reference_optimiser.h"
#include "sae/reference_step.h"
#include "sae/step_test_util.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
TEST(reference_gradient_is_that_of_finite_differences) {
  test::Random random(11);
  const int64_t d_vit = 6, d_sae = 15, rows = 9;
  auto p = cast<double>(random_params(d_vit, d_sae, 0.1f, random));
  std::vector<double> x(static_cast<size_t>(rows * d_vit));
  for (auto& v : x) v = random.normal();
  const double coeff = 0.07, h = 1e-6;
  const auto forward = reference_forward<double>(p, x.data(), rows, coeff);
  const auto g = reference_gradient<double>(p, x.data(), rows, coeff, forward);
  const auto check = [&](std::vector<double>& values, const std::vector<double>& gradient) {
    for (size_t i = 0; i < values.size(); ++i) {
      const double kept = values[i];
      values[i] = kept + h;
      const double up = reference_forward<double>(p, x.data(), rows, coeff).loss;
      values[i] = kept - h;
      const double down = reference_forward<double>(p, x.data(), rows, coeff).loss;
      values[i] = kept;
      // Central differences: truncation h², rounding 1e-16 / h.
      CHECK_CLOSE((up - down) / (2 * h), gradient[i], 2e-9);
    }
  };
  check(p.w_enc, g.w_enc);
  check(p.b_enc, g.b_enc);
  check(p.w_dec, g.w_dec);
  check(p.b_dec, g.b_dec);
}

TEST(blocked_step_follows_the_reference_at_every_level) {
  struct Case {
    int64_t rows, d_vit, d_sae;
    float b_enc;
    bool normalize, remove;
  };
  const Case cases[] = {{1, 3, 5, 0.2f, true, true},         {97, 20, 70, 0, true, true},
                        {200, 33, 300, -1, true, true},      {130, 100, 450, -2, true, false},
                        {64, 208, 1100, -2.2f, false, true}, {7, 4, 70'001, -1, true, true},
                        {300, 16, 64, 1, false, false}};
  for (const Case& c : cases) {
    test::Random random(static_cast<uint64_t>(c.rows));
    const Params init = random_params(c.d_vit, c.d_sae, c.b_enc, random);
    std::vector<float> x(static_cast<size_t>(3 * c.rows * c.d_vit));
    random.fill(x.data(), static_cast<int64_t>(x.size()));
    const std::vector<double> xd(x.begin(), x.end());
    for (Level level : available_levels()) {
      TrainState state(init, c.normalize, level);
      auto reference = cast<double>(init);
      ReferenceAdam<double> adam(reference);
      StepScratch scratch;
      for (int i = 0; i < 3; ++i) {
        // The last batch is short, as at the end of an epoch.
        const int64_t rows = i == 2 ? (c.rows + 1) / 2 : c.rows;
        const std::string where =
            std::string(level_name(level)) + " rows " + std::to_string(c.rows) + " step " + std::to_string(i);
        const double coeff = 0.01, lr = i == 0 ? 0 : 1e-3;
        if (c.normalize) reference_normalize(reference);
        const double* batch = xd.data() + i * c.rows * c.d_vit;
        const auto forward = reference_forward<double>(reference, batch, rows, coeff);
        auto g = reference_gradient<double>(reference, batch, rows, coeff, forward);
        StepGradients found;
        const StepMetrics m = step(state, x.data() + i * c.rows * c.d_vit, rows, {lr, coeff, c.remove},
                                   scratch, nullptr, &found);
        CHECK_CLOSE(m.loss, forward.loss, 2e-6);
        CHECK_CLOSE(m.mse, forward.mse, 2e-6);
        CHECK_CLOSE(m.l0, forward.l0, 0);
        CHECK_CLOSE(m.l1, forward.l1, 2e-6);
        // float32 sums against double: some 1e-6 of the largest entry.
        CHECK(deviation(found.raw_w_dec, g.w_dec) < 5e-6);
        if (c.remove) reference_remove_parallel(reference, g);
        check_params_close(found.grads, g, 5e-6, where + " gradient of");
        adam.update(reference, g, lr);
        // Adam divides by √v: where a gradient is near 0 its error counts in full, times the learning rate.
        check_params_close(state.params(), reference, 2e-5, where);
      }
    }
  }
}

TEST(step_gives_the_same_bits_on_any_number_of_threads) {
  test::Random random(5);
  const Params init = random_params(64, 2000, -1.5f, random);
  std::vector<float> x(500 * 64);
  random.fill(x.data(), 500 * 64);
  const int threads = num_threads();
  std::vector<float> first;
  for (int n : {1, 2}) {
    set_num_threads(n);
    TrainState state(init, true, active_level());
    StepScratch scratch;
    for (int i = 0; i < 3; ++i) step(state, x.data(), 500, {1e-3, 1e-3, true}, scratch);
    const Params p = state.params();
    if (first.empty()) first = p.w_enc;
    CHECK(first == p.w_enc);
  }
  set_num_threads(threads);
}

TEST(a_run_with_screening_has_the_bits_of_one_without) {
  struct Case {
    Activation activation;
    Penalty penalty;
  };
  const Case cases[] = {{{}, Penalty::kL1},
                        {{Selection::kTopK, 6, true, 0}, Penalty::kL1},
                        {{Selection::kBatchTopK, 6, true, 0}, Penalty::kL1},
                        {{Selection::kJumpRelu}, Penalty::kL0},
                        {{Selection::kGated}, Penalty::kL1}};
  const int64_t rows = 120, d_vit = 96, d_sae = 400;
  for (const Case& c : cases) {
    test::Random random(8);
    Params init = random_params(d_vit, d_sae, -2.3f, random);
    add_own_params(init, c.activation.selection, random);
    std::vector<float> x(static_cast<size_t>(6 * rows * d_vit));
    random.fill(x.data(), static_cast<int64_t>(x.size()));
    for (Level level : available_levels()) {
      if (!EncoderScreen::possible(level, Layout(d_vit, d_sae, level))) continue;
      TrainState with(init, true, level), without(init, true, level);
      StepScratch scratch;
      int screened = 0;
      for (int i = 0; i < 6; ++i) {
        StepOptions options{1e-3, 1e-3, true};
        options.activation = c.activation;
        options.penalty = c.penalty;
        const float* batch = x.data() + i * rows * d_vit;
        const StepMetrics a = step(with, batch, rows, options, scratch);
        options.screening = Screening::kOff;
        const StepMetrics b = step(without, batch, rows, options, scratch);
        screened += a.screened >= 0;
        CHECK(a.loss == b.loss && a.l0 == b.l0 && b.screened < 0);
      }
      // The first step does not know how many latents are active.
      CHECK(screened == 5);
      const Params p = with.params(), q = without.params();
      CHECK(p.w_enc == q.w_enc && p.w_dec == q.w_dec && p.b_enc == q.b_enc && p.b_dec == q.b_dec);
      CHECK(p.threshold == q.threshold && p.r_mag == q.r_mag && p.b_mag == q.b_mag);
      CHECK(with.threshold == without.threshold);
    }
  }
}

TEST(step_leaves_the_state_when_the_loss_is_not_finite) {
  test::Random random(6);
  const Params init = random_params(10, 30, 0, random);
  TrainState state(init, true, active_level());
  StepScratch scratch;
  std::vector<float> x(40 * 10, 0.5f);
  step(state, x.data(), 40, {1e-3, 1e-3, true}, scratch);
  const Params before = state.params();
  x[17] = NAN;
  CHECK(!std::isfinite(step(state, x.data(), 40, {1e-3, 1e-3, true}, scratch).loss));
  CHECK(state.params().w_enc == before.w_enc && state.t == 1);
}

}  // namespace saev

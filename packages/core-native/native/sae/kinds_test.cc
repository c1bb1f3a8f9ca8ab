// Every kind and objective: gradients of the plain step against finite differences, and the blocked step at
// every level against the plain one.
#include <string>

#include "core/error.h"
#include "core/parallel.h"
#include "sae/prefixes.h"
#include "sae/reference_optimiser.h"
#include "sae/reference_step.h"
#include "sae/sparse_autoencoder.h"
#include "sae/step.h"
#include "sae/step_test_util.h"

namespace saev {
namespace {

struct Kind {
  const char* name;
  Activation activation;
  EncoderInput input;
  bool matryoshka;
  AuxK aux;
  double clip;
  double weight_decay = 0;
  Penalty penalty = Penalty::kL1;
  Optimiser optimiser = Optimiser::kAdam;
};

/// Of the jump-relu kinds: wide, so that many pairs are in the window.
constexpr double kBandwidth = 0.3;

constexpr auto kRaw = EncoderInput::kRaw, kCentred = EncoderInput::kCentred;
constexpr AuxK kNone{}, kPublishedAux{5, 0.2, AuxForm::kPublished},
    kPythonAux{3, 0.2, AuxForm::kPythonPackage};

const Kind kKinds[] = {
    {"relu, raw, clipped", {}, kRaw, false, kNone, 0.1},
    {"relu, centred, clipped", {}, kCentred, false, kNone, 0.1},
    {"relu, prefixes", {}, kCentred, true, kNone, 0},
    {"relu, published aux", {}, kCentred, false, kPublishedAux, 0},
    {"relu, weight decay", {}, kCentred, false, kNone, 0, 0.3},
    {"relu, weight decay, clipped", {}, kCentred, false, kNone, 0.1, 0.3},
    {"top-k", {Selection::kTopK, 4, true, 0}, kCentred, false, kNone, 0},
    {"top-k, no ReLU, raw", {Selection::kTopK, 4, false, 0}, kRaw, false, kPythonAux, 0.1},
    {"top-k, prefixes, published aux", {Selection::kTopK, 7, true, 0}, kCentred, true, kPublishedAux, 0.05},
    {"top-k of more than there are", {Selection::kTopK, 15, false, 0}, kCentred, false, kNone, 0},
    {"batch-top-k", {Selection::kBatchTopK, 4, true, 0}, kCentred, false, kPublishedAux, 0},
    {"relu, tanh", {}, kCentred, false, kNone, 0, 0, Penalty::kTanh},
    {"jump-relu, l0", {Selection::kJumpRelu}, kCentred, false, kNone, 0, 0, Penalty::kL0},
    {"jump-relu, tanh", {Selection::kJumpRelu}, kCentred, false, kNone, 0, 0, Penalty::kTanh},
    {"jump-relu, l0, raw, prefixes, aux, clipped",
     {Selection::kJumpRelu},
     kRaw,
     true,
     kPublishedAux,
     0.1,
     0.2,
     Penalty::kL0},
    {"gated", {Selection::kGated}, kCentred, false, kNone, 0},
    {"gated, clipped", {Selection::kGated}, kCentred, false, kNone, 0.1},
    {"gated, raw, prefixes, aux", {Selection::kGated}, kRaw, true, kPublishedAux, 0},
    {"relu, muon", {}, kCentred, false, kNone, 0, 0.1, Penalty::kL1, Optimiser::kMuon},
    {"gated, muon, clipped",
     {Selection::kGated},
     kCentred,
     true,
     kNone,
     0.1,
     0,
     Penalty::kL1,
     Optimiser::kMuon},
    {"batch-top-k, no ReLU, raw, prefixes",
     {Selection::kBatchTopK, 3, false, 0},
     kRaw,
     true,
     kPythonAux,
     0.1},
};

/// Some lengths, the first segment's edges among them.
std::vector<int64_t> some_prefixes(int64_t d_sae) {
  std::vector<int64_t> out;
  for (const int64_t m : {int64_t{1}, d_sae / 5, d_sae / 5 + 1, d_sae / 2, d_sae}) {
    if (m > (out.empty() ? 0 : out.back())) out.push_back(m);
  }
  return out;
}

}  // namespace

TEST(gradients_of_every_kind_are_those_of_finite_differences) {
  const int64_t d_vit = 6, d_sae = 15, rows = 9;
  for (const Kind& kind : kKinds) {
    test::Random random(12);
    Params start = random_params(d_vit, d_sae, 0.1f, random);
    add_own_params(start, kind.activation.selection, random);
    auto p = cast<double>(start);
    const auto frozen = p;
    std::vector<double> x(static_cast<size_t>(rows * d_vit));
    for (auto& v : x) v = random.normal();
    ReferenceOptions<double> o(0.07);
    o.input = kind.input;
    o.activation = kind.activation;
    if (kind.matryoshka) o.prefixes = some_prefixes(d_sae);
    o.aux = kind.aux;
    o.penalty = kind.penalty;
    o.bandwidth = kBandwidth;
    o.frozen = &frozen;
    // As if these had not fired for long; they may fire now, which the formulas do not mind.
    if (kind.aux.k > 0) o.dead = {1, 2, 5, 6, 7, 9, 14};
    const auto forward = reference_forward(p, x.data(), rows, o);
    const auto g = reference_gradient(p, x.data(), rows, o, forward);
    for (size_t i = 0; i < x.size(); ++i)
      o.residual.push_back(x[i] - forward.x_hat[forward.x_hat.size() - x.size() + i]);
    const double h = 1e-6;
    const auto check = [&](std::vector<double>& values, const std::vector<double>& gradient) {
      for (size_t i = 0; i < values.size(); ++i) {
        const double kept = values[i];
        values[i] = kept + h;
        const double up = reference_forward(p, x.data(), rows, o).loss;
        values[i] = kept - h;
        const double down = reference_forward(p, x.data(), rows, o).loss;
        values[i] = kept;
        // Central differences: truncation h², rounding 1e-16 / h.
        CHECK_CLOSE((up - down) / (2 * h), gradient[i], 2e-9);
      }
    };
    check(p.w_enc, g.w_enc);
    check(p.b_enc, g.b_enc);
    check(p.w_dec, g.w_dec);
    check(p.b_dec, g.b_dec);
    check(p.threshold, g.threshold);
    check(p.r_mag, g.r_mag);
    check(p.b_mag, g.b_mag);
    const auto moved = [](const std::vector<double>& v) {
      return std::any_of(v.begin(), v.end(), [](double d) { return d != 0; });
    };
    CHECK(moved(g.threshold) == (kind.activation.selection == Selection::kJumpRelu));
    CHECK(moved(g.r_mag) == (kind.activation.selection == Selection::kGated));
  }
}

TEST(blocked_step_of_every_kind_follows_the_reference) {
  struct Shape {
    int64_t rows, d_vit, d_sae;
    float b_enc;
  };
  const Shape shapes[] = {{9, 5, 40, 0}, {130, 33, 450, -0.5f}, {97, 20, 1100, -1}};
  for (const Shape& shape : shapes) {
    for (const Kind& kind : kKinds) {
      test::Random random(static_cast<uint64_t>(shape.rows));
      Params init = random_params(shape.d_vit, shape.d_sae, shape.b_enc, random);
      add_own_params(init, kind.activation.selection, random);
      // A part that never fires in training, and so is dead from the second step on.
      for (int64_t j = 0; j < shape.d_sae; j += 7) init.b_enc[static_cast<size_t>(j)] = -30;
      std::vector<float> x(static_cast<size_t>(3 * shape.rows * shape.d_vit));
      random.fill(x.data(), static_cast<int64_t>(x.size()));
      const std::vector<double> xd(x.begin(), x.end());
      for (Level level : available_levels()) {
        TrainState state(init, true, level, kind.optimiser);
        auto reference = cast<double>(init);
        ReferenceAdam<double> adam(reference);
        ReferenceMuon<double> muon;
        StepScratch scratch;
        StepOptions options;
        options.sparsity_coeff = 0.01;
        options.activation = kind.activation;
        options.input = kind.input;
        if (kind.matryoshka) options.prefixes = some_prefixes(shape.d_sae);
        options.aux = kind.aux;
        options.dead_threshold = kind.aux.k > 0 ? shape.rows + 1 : 0;
        options.grad_clip = kind.clip;
        options.weight_decay = kind.weight_decay;
        options.penalty = kind.penalty;
        options.bandwidth = kBandwidth;
        std::vector<int64_t> since(static_cast<size_t>(shape.d_sae));
        for (int i = 0; i < 3; ++i) {
          const int64_t rows = i == 2 ? (shape.rows + 1) / 2 : shape.rows;
          options.lr = i == 0 ? 0 : 1e-3;
          reference_normalize(reference);
          const double* batch = xd.data() + i * shape.rows * shape.d_vit;
          ReferenceOptions<double> o(options.sparsity_coeff);
          o.input = kind.input;
          o.activation = kind.activation;
          o.prefixes = options.prefixes;
          o.penalty = kind.penalty;
          o.bandwidth = kBandwidth;
          const auto first = reference_forward(reference, batch, rows, o);
          for (int64_t j = 0; j < shape.d_sae; ++j) {
            bool fired = false;
            for (int64_t r = 0; r < rows; ++r)
              fired = fired || first.f[static_cast<size_t>(r * shape.d_sae + j)] != 0;
            since[static_cast<size_t>(j)] = fired ? 0 : since[static_cast<size_t>(j)] + rows;
            if (options.dead_threshold > 0 && since[static_cast<size_t>(j)] >= options.dead_threshold)
              o.dead.push_back(static_cast<int32_t>(j));
          }
          o.aux = kind.aux;
          const auto forward = reference_forward(reference, batch, rows, o);
          auto g = reference_gradient(reference, batch, rows, o, forward);
          StepGradients found;
          const StepMetrics m =
              step(state, x.data() + i * shape.rows * shape.d_vit, rows, options, scratch, nullptr, &found);
          const std::string where = std::string(level_name(level)) + ", " + kind.name + ", rows " +
                                    std::to_string(shape.rows) + ", step " + std::to_string(i);
          CHECK_CLOSE(m.loss, forward.loss, 2e-6);
          CHECK_CLOSE(m.mse, forward.mse, 2e-6);
          CHECK_CLOSE(m.aux, forward.aux, 2e-6);
          CHECK_CLOSE(m.l0, forward.l0, 0);
          CHECK_CLOSE(m.l1, forward.l1, 2e-6);
          CHECK_CLOSE(m.sparsity, forward.sparsity, 2e-6);
          CHECK(m.n_dead == static_cast<int64_t>(o.dead.size()));
          if (kind.aux.k > 0 && i == 1) CHECK(m.n_dead > 0);
          for (size_t j = 0; j < g.threshold.size(); ++j)
            g.threshold[j] *= reference.threshold[j];  // of log θ
          reference_remove_parallel(reference, g);
          if (kind.clip > 0) CHECK_CLOSE(m.grad_norm, reference_clip(g, kind.clip), 2e-6);
          check_params_close(found.grads, g, 1e-5, where + " gradient of");
          if (kind.optimiser == Optimiser::kMuon) {
            ++adam.t;
            muon.update(reference, g, options.lr, kind.weight_decay);
            adam.update_vectors(reference, g, options.lr);
          } else {
            adam.update(reference, g, options.lr, kind.weight_decay);
          }
          check_params_close(state.params(), reference, 5e-5, where);
        }
        if (kind.aux.k > 0) CHECK(state.since_active == since);
      }
    }
  }
}

TEST(every_kind_gives_the_same_bits_on_any_number_of_threads) {
  const int threads = num_threads();
  for (const Kind& kind : kKinds) {
    test::Random random(5);
    Params init = random_params(64, 2000, -1.5f, random);
    add_own_params(init, kind.activation.selection, random);
    std::vector<float> x(500 * 64);
    random.fill(x.data(), 500 * 64);
    Params first;
    for (int n : {1, 2, 5}) {
      set_num_threads(n);
      TrainState state(init, true, active_level(), kind.optimiser);
      StepScratch scratch;
      StepOptions options;
      options.penalty = kind.penalty;
      options.lr = 1e-3;
      options.sparsity_coeff = 1e-3;
      options.activation = kind.activation;
      options.input = kind.input;
      if (kind.matryoshka) options.prefixes = some_prefixes(2000);
      options.aux = kind.aux;
      options.dead_threshold = 600;
      options.grad_clip = kind.clip;
      for (int i = 0; i < 3; ++i) step(state, x.data(), 500, options, scratch);
      const Params p = state.params();
      if (n == 1) first = p;
      CHECK(first.w_enc == p.w_enc && first.w_dec == p.w_dec && first.b_dec == p.b_dec);
      CHECK(first.threshold == p.threshold && first.r_mag == p.r_mag && first.b_mag == p.b_mag);
    }
  }
  set_num_threads(threads);
}

TEST(top_k_takes_the_lower_latent_and_the_lower_row_of_equal_values) {
  // All pre-activations are equal: x is 1, W_enc is 1.
  const int64_t d_sae = 700, rows = 200;
  Params p(1, d_sae);
  std::fill(p.w_enc.begin(), p.w_enc.end(), 1.0f);
  std::fill(p.w_dec.begin(), p.w_dec.end(), 1.0f);
  const std::vector<float> x(static_cast<size_t>(rows), 1.0f);
  const SparseAutoencoder sae(p, EncoderInput::kRaw, {Selection::kTopK, 3, true, 0});
  SparseBatch f;
  sae.encode(x.data(), rows, f);
  CHECK(f.nnz() == 3 * rows);
  for (int64_t i = 0; i < f.nnz(); ++i) CHECK(f.latent[static_cast<size_t>(i)] == i % 3);
  TrainState state(p, false, active_level());
  StepScratch scratch;
  StepOptions options;
  options.activation = {Selection::kBatchTopK, 7, true, 0};
  options.input = EncoderInput::kRaw;
  const StepMetrics m =
      step_forward(state, x.data(), rows, options,
                   choose_blocking(-1, state.level, state.layout.padded_sae(), 1), scratch, nullptr);
  CHECK(m.l0 == 7 && m.threshold == 0.1 * 1);
  to_sparse_batch(scratch.lists, d_sae, f);
  // 1400 of them: the first two rows in full.
  CHECK(f.row_start[1] == 700 && f.row_start[2] == 1400 && f.row_start[static_cast<size_t>(rows)] == 1400);
}

TEST(batch_top_k_leaves_its_threshold_where_nothing_positive_is_kept) {
  Params p(2, 10);
  std::fill(p.b_enc.begin(), p.b_enc.end(), -1.0f);
  TrainState state(p, false, active_level());
  state.threshold = 0.5f;
  StepScratch scratch;
  StepOptions options;
  options.activation = {Selection::kBatchTopK, 2, false, 0};
  const std::vector<float> x(8, 1.0f);
  CHECK(step(state, x.data(), 4, options, scratch).l0 == 2);
  CHECK(state.threshold == 0.5f);
}

TEST(prefixes_ascend_to_d_sae_and_follow_their_distribution) {
  for (const PrefixForm form : {PrefixForm::kPublished, PrefixForm::kPythonPackage}) {
    // With two prefixes the shorter one is a single draw, whose median the distribution function tells:
    // √l = ½ √d for the published form, 1 − 1/√l = ½ for the other.
    std::vector<int64_t> drawn;
    for (int64_t step = 1; step <= 4001; ++step) {
      const auto one = draw_prefixes(4096, 2, form, 7, step);
      CHECK(one.size() == 2 && one[1] == 4096 && one[0] < 4096);
      drawn.push_back(one[0]);
      check_prefixes(draw_prefixes(64, 10, form, 7, step), 64);
    }
    std::nth_element(drawn.begin(), drawn.begin() + 2000, drawn.end());
    const int64_t median = drawn[2000];
    CHECK(form == PrefixForm::kPublished ? median > 900 && median < 1150 : median >= 3 && median <= 5);
    CHECK(draw_prefixes(16, 16, form, 0, 1).size() == 16);
    CHECK(draw_prefixes(16, 1, form, 0, 1) == std::vector<int64_t>{16});
    CHECK(draw_prefixes(99, 5, form, 3, 4) == draw_prefixes(99, 5, form, 3, 4));
    CHECK(draw_prefixes(99, 5, form, 3, 4) != draw_prefixes(99, 5, form, 3, 5));
  }
  CHECK_THROWS(check_prefixes({3, 2, 9}, 9), Code::kInvalidArgument);
  CHECK_THROWS(check_prefixes({3, 4}, 9), Code::kInvalidArgument);
}

}  // namespace saev

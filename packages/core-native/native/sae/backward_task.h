#pragma once
// The backward pass of one task: the latents [first, first + n) with all rows. Tasks touch nothing of each
// other's, and what they add up is added in their order, so results do not depend on the number of threads.

#include "kernels/cpu/adam.h"
#include "sae/step.h"

namespace saev {

class BackwardTask {
 public:
  BackwardTask(TrainState& state, int64_t rows, const StepOptions& options, const Blocking& blocking,
               StepScratch& scratch, const AdamStep& adam, StepGradients* gradients, int64_t task);

  /// Gradients. They stay in the worker's arrays, or in the step's where `keeps` holds.
  void gradients(StepScratch::Worker& worker, StepTimes* times);
  /// Squares of each latent's gradients, and these latents' share of the gradient of b_dec.
  void measure();
  /// Takes up the gradients that another task object left in the step's arrays, and scales them.
  void resume(float factor);
  /// Adam on the task's rows of both matrices.
  void update(StepTimes* times);

  /// Whether all gradients are made before the first update.
  static bool keeps(const TrainState& state, const StepOptions& options) {
    return measures(state, options) || options.gradients_first;
  }
  /// Whether `measure` sums the gradient of b_dec, since `update` comes too late or not at all.
  static bool measures(const TrainState& state, const StepOptions& options) {
    return options.grad_clip > 0 || state.optimiser == Optimiser::kMuon;
  }

 private:
  void transpose(const ActiveLists& from, LatentLists& to, std::vector<float>& df);
  void decoder_gradient(StepScratch::Worker& worker, const LatentLists& lists, const float* value,
                        std::vector<float>& df, const float* errors, const std::vector<int64_t>& prefixes);
  const float* magnitudes(StepScratch::Worker& worker);
  void kind_gradient(StepScratch::Worker& worker);
  void divide_by_norms();
  void encoder_gradient(const LatentLists& lists, const std::vector<float>& df);
  void export_gradients();
  int64_t next_rows(int64_t group) const;
  float* b_dec_sums(int64_t j);
  bool gated() const { return o_.activation.selection == Selection::kGated; }
  /// Σ of what W_enc's gradient gathers with, per latent: through it b_dec moves, too.
  float* input_sums() { return (gated() ? scratch_.encoder_sums : scratch_.b_enc_gradient).data() + first_; }

  TrainState& s_;
  const Layout& l_;
  int64_t rows_;
  const StepOptions& o_;
  const Blocking& b_;
  StepScratch& scratch_;
  const AdamStep& adam_;
  StepGradients* out_;
  int64_t first_, n_, group_rows_, n_groups_;
  float* decoder_ = nullptr;  ///< [slice][n][width]
  float* encoder_ = nullptr;
};

}  // namespace saev

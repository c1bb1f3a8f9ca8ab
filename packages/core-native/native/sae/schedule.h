#pragma once
// What changes from step to step: learning rate and sparsity coefficient.

#include <cmath>
#include <cstdint>

namespace saev {

/// Linear warm-up as the Python package of June 2025 has it: step 1 uses `initial`, step t + 1 uses
/// initial + (final − initial) · t / n_steps while t < n_steps, then `final`. So a learning rate that warms
/// up from 0 is 0 in the first step, whatever n_steps is: moments are updated, weights are not.
class Warmup {
 public:
  Warmup(double initial, double final_value, int64_t n_steps)
      : initial_(initial), final_(final_value), n_steps_(n_steps) {}
  /// The value used in step `step` ≥ 1.
  double at(int64_t step) const {
    const int64_t done = step - 1;
    if (done <= 0) return initial_;
    if (done >= n_steps_) return final_;
    return initial_ + (final_ - initial_) * (static_cast<double>(done) / static_cast<double>(n_steps_));
  }

 private:
  double initial_, final_;
  int64_t n_steps_;
};

/// Linear warm-up, then half a cosine, as the Python package of March 2026 has it. With t = step − 1:
/// initial + (peak − initial) · t / n_warmup while t < n_warmup, else
/// final + (peak − final) · (1 + cos π p) / 2 with p = (t − n_warmup) / (n_steps − n_warmup) while t <
/// n_steps, else final. Step 1 uses `initial`.
class WarmupCosine {
 public:
  WarmupCosine(double initial, int64_t n_warmup, double peak, int64_t n_steps, double final_value)
      : initial_(initial), peak_(peak), final_(final_value), n_warmup_(n_warmup), n_steps_(n_steps) {}
  /// The value used in step `step` ≥ 1.
  double at(int64_t step) const {
    const int64_t t = step - 1;
    if (t <= 0) return initial_;
    if (t < n_warmup_)
      return initial_ + (peak_ - initial_) * (static_cast<double>(t) / static_cast<double>(n_warmup_));
    if (t >= n_steps_) return final_;
    const double p = static_cast<double>(t - n_warmup_) / static_cast<double>(n_steps_ - n_warmup_);
    return final_ + 0.5 * (peak_ - final_) * (1 + std::cos(3.14159265358979323846 * p));
  }

 private:
  double initial_, peak_, final_;
  int64_t n_warmup_, n_steps_;
};

/// What a learning rate does after its warm-up.
enum class Decay { kConstant, kLinear, kCosine };

/// The learning rate of a run: from 0 to `peak` in `n_warmup` steps, then constant or falling to 0 at step
/// `n_steps` + 1, in a line or as WarmupCosine has it.
class LearningRate {
 public:
  LearningRate(double peak, int64_t n_warmup, Decay decay, int64_t n_steps)
      : peak_(peak), n_warmup_(n_warmup), n_steps_(n_steps), decay_(decay) {}
  /// The value used in step `step` ≥ 1.
  double at(int64_t step) const {
    if (decay_ == Decay::kCosine) return WarmupCosine(0, n_warmup_, peak_, n_steps_, 0).at(step);
    const int64_t t = step - 1;
    if (decay_ == Decay::kConstant || t <= n_warmup_) return Warmup(0, peak_, n_warmup_).at(step);
    if (t >= n_steps_) return 0;
    return peak_ * static_cast<double>(n_steps_ - t) / static_cast<double>(n_steps_ - n_warmup_);
  }

 private:
  double peak_;
  int64_t n_warmup_, n_steps_;
  Decay decay_;
};

}  // namespace saev

#pragma once
// What changes from step to step: learning rate and sparsity coefficient.

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

}  // namespace saev

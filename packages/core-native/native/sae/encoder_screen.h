#pragma once
// W_enc in 8-bit numbers, made anew for each batch (W_enc changes each step), with which block encoders leave
// out what cannot be active. What is listed is the same to the bit with and without it: kernels/cpu/screen.h.

#include <vector>

#include "core/aligned.h"
#include "kernels/cpu/screen.h"
#include "sae/layout.h"

namespace saev {

struct EncodeInput;

/// Whether screening may be used.
enum class Screening {
  kAuto,  ///< where it is expected to be faster
  kOff,
};

class EncoderScreen {
 public:
  /// Whether the machine has a product of 8-bit numbers for this, and rows are long enough to gain by it.
  static bool possible(Level level, const Layout& layout);

  /// Makes W_enc of `input` into 8-bit numbers with `form`, null for the level's best, on all cores; a sample
  /// of its rows decides which columns are left out of them.
  void prepare(Level level, const Layout& layout, const EncodeInput& input, const ScreenForm* form = nullptr);

  const ScreenForm& form() const { return form_; }
  const std::vector<int32_t>& columns() const { return columns_; }
  /// Of the panels from `panel` on.
  ScreenLatents latents(int64_t panel, int64_t stride) const;

 private:
  void choose_columns(const Layout& layout, const EncodeInput& input);

  ScreenForm form_{};
  std::vector<int32_t> columns_;
  AlignedArray<int8_t> packed_;
  AlignedArray<float> scale_, bias_, norm_, error_, beside_;
  AlignedArray<int32_t> shift_;
  std::vector<AlignedArray<float>> buffers_;  ///< a thread's
};

/// When to screen, from what the last batches of an SAE were like. It decides about speed only: nothing of it
/// is in a checkpoint.
class ScreenChoice {
 public:
  /// Whether to screen the next batch, of which `density` of the pairs were active the last time (< 0:
  /// unknown).
  bool next(double density);
  /// After a screened batch: the fraction of pairs that were computed in float32.
  void screened(double candidates);

 private:
  double candidates_ = -1;
  int64_t wait_ = 0, pause_ = 8;
};

}  // namespace saev

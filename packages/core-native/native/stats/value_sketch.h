#pragma once
// The distribution of one latent's firing values: exact while it is small, then counted in bins whose error
// is bounded. Merging order, threads and batch sizes never change what it answers.

#include <cstdint>
#include <vector>

namespace saev {

/// A multiset of finite non-zero floats that answers ranks and histograms.
///
/// Binned, a value is known by its sign, exponent and the top 7 bits of its mantissa, so that 128 bins cover
/// a factor of two. A bin stands for its midpoint, at most 2⁻⁸ (0.39 %) of the value away, for magnitudes of
/// 2⁻¹²⁶ and more. Bits, not logarithms: the same bins on every machine.
class ValueSketch {
 public:
  /// Largest |answer − true value| / |true value| once binned.
  static constexpr double kRelativeError = 1.0 / 256;

  /// `value` must be finite and not 0.
  void add(float value);
  /// Leaves exact for binned; a second call does nothing.
  void bin();
  /// Call once after the last `add`, before any question.
  void freeze();

  bool exact() const { return !binned_; }
  int64_t count() const { return count_; }
  float min() const { return min_; }  ///< exact, 0 when empty
  float max() const { return max_; }  ///< exact, 0 when empty

  /// The value at 0-based `rank` in ascending order among the values and `zeros` zeros besides.
  /// `rank` < count() + zeros.
  float select(int64_t rank, int64_t zeros) const;

  /// Counts of the values in `bins` equal steps from `lo` to `hi`, the last including `hi`; of log10(value)
  /// when `log10`, which leaves out negative values. Values outside are left out.
  std::vector<int64_t> histogram(double lo, double hi, int64_t bins, bool log10) const;

 private:
  /// Counts of consecutive bins from `first` on; grows at both ends.
  struct Span {
    int32_t first = 0;
    std::vector<uint32_t> counts;
    void add(int32_t key);
  };
  template <typename F>
  void each(F&& visit) const;  ///< (value, how many), ascending

  bool binned_ = false;
  int64_t count_ = 0;
  float min_ = 0, max_ = 0;
  std::vector<float> values_;
  Span positive_, negative_;  ///< keys of the magnitude
};

}  // namespace saev

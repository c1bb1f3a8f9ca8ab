#include "stats/value_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/error.h"

namespace saev {
namespace {

/// Exponent and the top 7 mantissa bits of |value|.
int32_t key_of(float value) {
  return static_cast<int32_t>((std::bit_cast<uint32_t>(value) & 0x7fffffffU) >> 16);
}

float midpoint(int32_t key) {
  return std::bit_cast<float>((static_cast<uint32_t>(key) << 16) | 0x8000U);
}

}  // namespace

void ValueSketch::Span::add(int32_t key) {
  if (counts.empty()) {
    first = key;
    counts.push_back(0);
  } else if (key < first) {
    counts.insert(counts.begin(), static_cast<size_t>(first - key), 0U);
    first = key;
  } else if (key >= first + static_cast<int32_t>(counts.size())) {
    counts.resize(static_cast<size_t>(key - first) + 1, 0U);
  }
  uint32_t& count = counts[static_cast<size_t>(key - first)];
  if (count == UINT32_MAX) {
    throw Error(Code::kUnsupported,
                "more than 4,294,967,295 activations of one latent have the same size; "
                "take statistics over fewer rows");
  }
  ++count;
}

void ValueSketch::add(float value) {
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  ++count_;
  if (binned_) {
    (value > 0 ? positive_ : negative_).add(key_of(value));
  } else {
    values_.push_back(value);
  }
}

void ValueSketch::bin() {
  if (binned_) return;
  binned_ = true;
  for (const float value : values_) (value > 0 ? positive_ : negative_).add(key_of(value));
  values_ = {};
}

void ValueSketch::freeze() {
  std::sort(values_.begin(), values_.end());
}

template <typename F>
void ValueSketch::each(F&& visit) const {
  if (!binned_) {
    for (const float value : values_) visit(value, int64_t{1});
    return;
  }
  // The outermost bins may reach past the extremes, which are known exactly.
  for (size_t i = negative_.counts.size(); i-- > 0;) {
    if (negative_.counts[i] != 0) {
      visit(std::clamp(-midpoint(negative_.first + static_cast<int32_t>(i)), min_, max_),
            static_cast<int64_t>(negative_.counts[i]));
    }
  }
  for (size_t i = 0; i < positive_.counts.size(); ++i) {
    if (positive_.counts[i] != 0) {
      visit(std::clamp(midpoint(positive_.first + static_cast<int32_t>(i)), min_, max_),
            static_cast<int64_t>(positive_.counts[i]));
    }
  }
}

float ValueSketch::select(int64_t rank, int64_t zeros) const {
  if (rank < 0 || rank >= count_ + zeros) throw Error(Code::kInternal, "rank outside of the values");
  if (!binned_) {
    const int64_t negative = std::lower_bound(values_.begin(), values_.end(), 0.0F) - values_.begin();
    if (rank < negative) return values_[static_cast<size_t>(rank)];
    return rank < negative + zeros ? 0.0F : values_[static_cast<size_t>(rank - zeros)];
  }
  int64_t seen = 0;
  bool past_zeros = false;
  float found = 0;
  bool done = false;
  each([&](float value, int64_t n) {
    if (done) return;
    if (value > 0 && !past_zeros) {
      past_zeros = true;
      seen += zeros;
      if (rank < seen) {
        done = true;  // a zero
        return;
      }
    }
    seen += n;
    if (rank < seen) {
      found = value;
      done = true;
    }
  });
  return found;  // 0 when only zeros are left
}

std::vector<int64_t> ValueSketch::histogram(double lo, double hi, int64_t bins, bool log10) const {
  if (bins < 1 || bins > 1000000 || !(hi >= lo)) {
    throw Error(Code::kInvalidArgument, "histogram: expected lo ≤ hi and 1 to 1,000,000 bins");
  }
  std::vector<int64_t> counts(static_cast<size_t>(bins), 0);
  const double step = (hi - lo) / static_cast<double>(bins);
  each([&](float value, int64_t n) {
    if (log10 && !(value > 0)) return;
    const double x = log10 ? std::log10(static_cast<double>(value)) : static_cast<double>(value);
    if (!(x >= lo && x <= hi)) return;
    const auto at = step > 0 ? static_cast<int64_t>((x - lo) / step) : 0;
    counts[static_cast<size_t>(std::min(at, bins - 1))] += n;
  });
  return counts;
}

}  // namespace saev

#include "sae/encode_batch_top_k.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <mutex>

#include "core/parallel.h"
#include "sae/block_encoder.h"

namespace saev {
namespace {

/// How much lower than the last batch's the next one's floor begins, of its size.
constexpr float kLowerBy = 0.03f;

/// Floats in ascending order as unsigned integers.
uint32_t ordered(float v) {
  const auto bits = std::bit_cast<uint32_t>(v);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
float unordered(uint32_t key) {
  return std::bit_cast<float>(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

/// The bound that at least k values seen so far are not below, to 8 bits of mantissa.
class SharedFloor {
 public:
  SharedFloor(int64_t k, float lowest) : k_(k), counts_(size_t{1} << kBits), floor_(lowest) {}

  float get() const { return floor_.load(std::memory_order_relaxed); }

  void add(const float* values, int64_t n) {
    const std::lock_guard lock(mutex_);
    for (int64_t i = 0; i < n; ++i) {
      const uint32_t b = ordered(values[i]) >> (32 - kBits);
      if (b < bucket_) continue;
      ++counts_[b];
      ++above_;
    }
    const size_t before = bucket_;
    while (above_ - counts_[bucket_] >= k_) above_ -= counts_[bucket_++];
    if (bucket_ == before) return;
    // Everything in the bucket must pass the kernel's strict comparison.
    const float bound = unordered(static_cast<uint32_t>(bucket_ << (32 - kBits)));
    floor_.store(std::max(get(), std::nextafter(bound, -std::numeric_limits<float>::infinity())),
                 std::memory_order_relaxed);
  }

 private:
  static constexpr int kBits = 17;  // sign, exponent and 8 bits of mantissa
  int64_t k_, above_ = 0;
  size_t bucket_ = 0;
  std::vector<int64_t> counts_;
  std::atomic<float> floor_;
  std::mutex mutex_;
};

struct Tie {
  int64_t row;
  int64_t latent;
  bool operator<(const Tie& o) const { return row < o.row || (row == o.row && latent < o.latent); }
};

}  // namespace

float encode_batch_top_k(Level level, const Layout& layout, const EncodeInput& given, int64_t segment,
                         int64_t k, bool relu, EncodeScratch& scratch, ActiveLists& out, FloorGuess* guess) {
  const float lowest = relu ? 0 : -std::numeric_limits<float>::infinity();
  const float begin = guess && guess->value > lowest ? guess->value : lowest;
  SharedFloor floor(k, begin);
  out.shape(given.rows, layout.padded_sae(), segment);
  const EncodeInput input = prepare_encode(level, layout, given, scratch);
  block_tasks(input, out.n_blocks, [&](int64_t first, int64_t n, int thread) {
    BlockGroup group(level, layout, input, segment, scratch, thread, first, n);
    int32_t used[kBlocksTogether] = {};
    for (int64_t s = 0; s < out.n_segments; ++s) {
      for (int64_t i = 0; i < n; ++i) {
        std::fill_n(group[i].floor(), group[i].rows(), floor.get());
        const int32_t end = list_segment(group, first, i, s, used[i], out);
        if ((s + 1) * segment <= layout.d_sae)
          floor.add(out.blocks[static_cast<size_t>(first + i)].value() + used[i], end - used[i]);
        used[i] = end;
      }
    }
    if (layout.d_sae == layout.padded_sae()) return;
    for (int64_t b = first; b < first + n; ++b)
      filter_block(out, b, [&](int64_t, int64_t latent, float) { return latent < layout.d_sae; });
  });

  const int64_t total = out.nnz();
  if (total < k && begin > lowest) {
    // Some that are kept may lie below where the floor began.
    guess->value = lowest;
    return encode_batch_top_k(level, layout, input, segment, k, relu, scratch, out, guess);
  }
  const int64_t keep = std::min(k, total);
  if (guess) guess->value = lowest;
  if (keep == 0) return 0;
  std::vector<float> values;
  values.reserve(static_cast<size_t>(total));
  for (int64_t b = 0; b < out.n_blocks; ++b) {
    const float* v = out.blocks[static_cast<size_t>(b)].value();
    values.insert(values.end(), v, v + out.ptr(b, out.n_segments - 1)[kRowBlock]);
  }
  std::nth_element(values.begin(), values.begin() + keep - 1, values.end(), std::greater<float>());
  const float last = values[static_cast<size_t>(keep - 1)];
  if (guess && total >= k && std::isfinite(last)) guess->value = last - kLowerBy * std::fabs(last);
  int64_t above = 0;
  for (int64_t i = 0; i < keep; ++i) above += values[static_cast<size_t>(i)] > last;
  std::vector<Tie> ties;
  for (int64_t b = 0; b < out.n_blocks; ++b) {
    filter_block(out, b, [&](int64_t row, int64_t latent, float v) {
      if (v == last) ties.push_back({row, latent});
      return true;
    });
  }
  std::sort(ties.begin(), ties.end());
  const auto quota = static_cast<size_t>(keep - above);
  const Tie bound = quota < ties.size() ? ties[quota] : Tie{input.rows, 0};
  std::vector<float> smallest(static_cast<size_t>(out.n_blocks), std::numeric_limits<float>::infinity());
  parallel_tasks(out.n_blocks, [&](int64_t b, int) {
    float& least = smallest[static_cast<size_t>(b)];
    filter_block(out, b, [&](int64_t row, int64_t latent, float v) {
      if (v < last || (v == last && !(Tie{row, latent} < bound))) return false;
      if (v > 0) least = std::min(least, v);
      return true;
    });
  });
  const float least = *std::min_element(smallest.begin(), smallest.end());
  return std::isfinite(least) ? least : 0;
}

}  // namespace saev

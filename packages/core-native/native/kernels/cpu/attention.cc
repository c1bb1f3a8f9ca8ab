#include "kernels/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/aligned.h"
#include "core/parallel.h"
#include "kernels/cpu/attention_head.h"

namespace saev {
namespace {

/// The formula, in float64.
void plain(const Attention& a, int64_t image, int64_t head) {
  const int64_t d = a.heads * a.width;
  const auto row = [&](int64_t part, int64_t token) {
    return a.qkv + (image * a.tokens + token) * 3 * d + part * d + head * a.width;
  };
  std::vector<double> score(static_cast<size_t>(a.tokens));
  for (int64_t q = 0; q < a.tokens; ++q) {
    double most = -INFINITY, total = 0;
    for (int64_t k = 0; k < a.tokens; ++k) {
      double dot = 0;
      for (int64_t i = 0; i < a.width; ++i) dot += double{row(0, q)[i]} * row(1, k)[i];
      score[k] = dot / std::sqrt(static_cast<double>(a.width));
      most = std::max(most, score[k]);
    }
    for (double& s : score) total += s = std::exp(s - most);
    for (int64_t i = 0; i < a.width; ++i) {
      double sum = 0;
      for (int64_t k = 0; k < a.tokens; ++k) sum += score[k] * row(2, k)[i];
      const auto value = static_cast<float>(sum / total);
      const int64_t at = (image * a.tokens + q) * a.out.stride + head * a.width + i;
      if (a.out.bf16 != nullptr) {
        a.out.bf16[at] = to_bfloat16(value);
      } else {
        a.out.f32[at] = value;
      }
    }
  }
}

using Head = void (*)(const Attention&, int64_t, int64_t, float*);

Head kernel_of([[maybe_unused]] Level level) {
#if defined(SAEV_HAS_AVX2)
  if (level == Level::kAvx512) return avx512::attention_head;
  if (level == Level::kAvx2) return avx2::attention_head;
#elif defined(SAEV_HAS_NEON)
  if (level == Level::kNeon) return neon::attention_head;
#endif
  return nullptr;
}

}  // namespace

void attention(const Attention& a, Level level) {
  const Head run = kernel_of(level);
  std::vector<AlignedArray<float>> scratch(static_cast<size_t>(num_threads()));
  parallel_tasks(a.images * a.heads, [&](int64_t task, int thread) {
    const int64_t image = task / a.heads, head = task % a.heads;
    if (run == nullptr) return plain(a, image, head);
    auto& mine = scratch[static_cast<size_t>(thread)];
    if (mine.size() == 0) mine = AlignedArray<float>(static_cast<size_t>(attention_scratch(a)));
    run(a, image, head, mine.data());
  });
}

}  // namespace saev

#include "sae/encoder_screen.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>

#include "core/parallel.h"
#include "sae/encode.h"

namespace saev {
namespace {

/// Rows below this width gain nothing.
constexpr int64_t kFewestColumns = 64;
/// Rows that show which columns are far larger than others.
constexpr int64_t kSampleRows = 64;
/// How many times finer the others' numbers must get.
constexpr float kWorthwhile = 1.3f;

/// Above this fraction of pairs in float32 the plain product is faster; below kTryDensity active it is worth
/// a try.
constexpr double kMostCandidates = 0.12, kTryDensity = 0.06;
constexpr int64_t kLongestPause = 512;

}  // namespace

bool EncoderScreen::possible(Level level, const Layout& layout) {
  int n = 0;
  return level != Level::kPlain && screen_forms(level, &n) != nullptr && layout.d_vit >= kFewestColumns &&
         layout.row_stride() <= kScreenMostColumns;
}

void EncoderScreen::choose_columns(const Layout& layout, const EncodeInput& input) {
  const int64_t d_vit = layout.d_vit, n = std::min(kSampleRows, input.rows);
  columns_.clear();
  if (d_vit < 8 * kScreenColumns) return;
  std::vector<float> sizes(static_cast<size_t>(n * d_vit)), mean(static_cast<size_t>(d_vit), 0.0f);
  for (int64_t i = 0; i < n; ++i) {
    const float* row = input.x + i * (input.rows / n) * d_vit;
    for (int64_t k = 0; k < d_vit; ++k) {
      const float v = std::fabs(input.shift ? row[k] - input.shift[k] : row[k]);
      sizes[static_cast<size_t>(i * d_vit + k)] = v;
      mean[static_cast<size_t>(k)] += v;
    }
  }
  std::vector<int32_t> order(static_cast<size_t>(d_vit));
  std::iota(order.begin(), order.end(), 0);
  // Not a number is as bad as infinite: such columns go first, and comparisons stay an order.
  for (float& v : mean) v = std::isfinite(v) ? v : kScreenHuge;
  std::partial_sort(order.begin(), order.begin() + kScreenColumns, order.end(), [&](int32_t a, int32_t b) {
    const float x = mean[static_cast<size_t>(a)], y = mean[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  });
  order.resize(kScreenColumns);
  std::sort(order.begin(), order.end());
  double with = 0, without = 0;
  for (int64_t i = 0; i < n; ++i) {
    float all = 0, others = 0;
    for (int64_t k = 0; k < d_vit; ++k) {
      const float v = sizes[static_cast<size_t>(i * d_vit + k)];
      all = std::max(all, v);
      if (!std::binary_search(order.begin(), order.end(), static_cast<int32_t>(k)))
        others = std::max(others, v);
    }
    if (!std::isfinite(all)) continue;
    with += static_cast<double>(all);
    without += static_cast<double>(others);
  }
  if (with > static_cast<double>(kWorthwhile) * without) columns_ = order;
}

void EncoderScreen::prepare(Level level, const Layout& layout, const EncodeInput& input,
                            const ScreenForm* form) {
  int n = 0;
  form_ = form ? *form : *screen_forms(level, &n);
  choose_columns(layout, input);
  const int64_t stride = layout.row_stride(), latents = layout.padded_sae();
  packed_.at_least(latents * form_.latent_bytes(stride) + kScreenSlack);
  for (auto* a : {&scale_, &bias_, &norm_, &error_}) a->at_least(latents);
  shift_.at_least(latents);
  beside_.at_least(layout.n_panels * kScreenColumns * kPanel);
  buffers_.resize(static_cast<size_t>(std::max<int64_t>(num_threads(), buffers_.size())));
  const auto panel = SAEV_PICK(level, screen_panel);
  constexpr int64_t kPanelsATask = 4;
  parallel_tasks((layout.n_panels + kPanelsATask - 1) / kPanelsATask, [&](int64_t task, int thread) {
    AlignedArray<float>& buffer = buffers_[static_cast<size_t>(thread)];
    buffer.at_least(stride);
    const int64_t end = std::min(layout.n_panels, (task + 1) * kPanelsATask);
    for (int64_t p = task * kPanelsATask; p < end; ++p) {
      panel({input.w_enc + p * kPanel * stride, input.b_enc + p * kPanel, stride, columns_.data(),
             static_cast<int64_t>(columns_.size()), form_, buffer.data(), this->latents(p, stride)});
    }
  });
}

ScreenLatents EncoderScreen::latents(int64_t panel, int64_t stride) const {
  const auto from = [](const auto& array, int64_t i) {
    return const_cast<std::remove_const_t<std::remove_reference_t<decltype(array[0])>>*>(array.data() + i);
  };
  const int64_t j = panel * kPanel;
  return {from(packed_, j * form_.latent_bytes(stride)),
          from(scale_, j),
          from(shift_, j),
          from(bias_, j),
          from(norm_, j),
          from(error_, j),
          from(beside_, j * kScreenColumns)};
}

bool ScreenChoice::next(double density) {
  if (wait_ > 0) {
    --wait_;
    return false;
  }
  return candidates_ >= 0 || (density >= 0 && density < kTryDensity);
}

void ScreenChoice::screened(double candidates) {
  if (candidates <= kMostCandidates) {
    candidates_ = candidates;
    pause_ = 8;
    return;
  }
  candidates_ = -1;
  wait_ = pause_;
  pause_ = std::min(kLongestPause, 2 * pause_);
}

}  // namespace saev

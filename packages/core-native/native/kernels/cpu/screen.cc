#include "kernels/cpu/screen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "kernels/amx.h"

namespace saev {
namespace {

#if defined(SAEV_HAS_AVX2)
/// CPUID leaf 7.1, EAX bit 4: not every compiler knows its name.
bool has_avx_vnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1) != 0 && __builtin_cpu_supports("avx2");
}
#endif

constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// A row as whole numbers: `out[k]` = round(value / scale), and the norms of the bound.
struct Rounded {
  float scale = 0, error = 0, size = 0, norm = 0;
};

/// |values| are at most `most` then.
Rounded round_row(const float* row, int64_t stride, const int32_t* columns, int64_t n_columns, int32_t most,
                  int32_t* out) {
  std::vector<float> kept(row, row + stride);
  float squares = 0;
  for (int64_t k = 0; k < stride; ++k) squares += row[k] * row[k];
  for (int64_t c = 0; c < n_columns; ++c) kept[static_cast<size_t>(columns[c])] = 0;
  float largest = 0;
  for (const float v : kept) largest = std::max(largest, std::fabs(v));
  std::fill_n(out, stride, 0);
  const float margin = screen_margin(stride);
  float beside = 0;
  for (int64_t c = 0; c < n_columns; ++c) beside = std::max(beside, std::fabs(row[columns[c]]));
  if (!(squares <= static_cast<float>(stride) * kScreenHuge * kScreenHuge))
    return {0, kInfinity, kInfinity, kInfinity};
  Rounded r;
  if (std::max(largest, beside) < kScreenSmall) {
    r.norm = std::max(largest, beside) * std::sqrt(static_cast<float>(stride)) * kNormSlack + kScreenTiny;
    r.error = r.norm;
    return r;
  }
  r.norm = std::sqrt(squares) * kNormSlack;
  r.error = margin * r.norm;
  if (largest < kScreenSmall) {
    r.error += largest * std::sqrt(static_cast<float>(stride)) * kNormSlack + kScreenTiny;
    return r;
  }
  r.scale = largest / static_cast<float>(most);
  const float inverse = 1 / r.scale;
  float errors = 0, sizes = 0;
  for (int64_t k = 0; k < stride; ++k) {
    const float t = kept[static_cast<size_t>(k)] * inverse, whole = std::nearbyint(t);
    errors += (t - whole) * (t - whole);
    sizes += whole * whole;
    out[k] = static_cast<int32_t>(whole);
  }
  r.error += r.scale * std::sqrt(errors) * kNormSlack;
  r.size = r.scale * std::sqrt(sizes) * kNormSlack;
  return r;
}

}  // namespace

const ScreenForm* screen_forms(Level level, int* n) {
  // 2 · 106 · 154 < 2¹⁵ and 176 · 186 < 2¹⁵; of the numbers allowed these are about the ones with the least
  // error on normal rows of 768.
  constexpr int32_t x_max = 106, pair_max = 154, x_lane = 176, w_lane = 186;
  static_assert(2 * x_max * pair_max < 1 << 15 && x_lane * w_lane < 32760);
  static const ScreenForm plain[] = {{"plain", 127, 127, 0, 0, 0, 4, 8, kPanel, plain::screen_product}};
  *n = 0;
  if (level == Level::kPlain) {
    *n = 1;
    return plain;
  }
#if defined(SAEV_HAS_AVX2)
  static const ScreenForm narrow[] = {
      {"avx-vnni", 127, 127, 0, 0, 0, 6, 8, 16, avxvnni::screen_product},
      {"avx2", x_max, 127, pair_max, x_lane, w_lane, 3, 8, 16, avx2::screen_product}};
  static const ScreenForm wide[] = {
      {"amx-int8", 127, 127, 0, 0, 0, 32, 64, 32, avx512amx::screen_product},
      {"avx512-vnni", 127, 127, 0, 0, 0, 12, 8, 32, avx512vnni::screen_product},
      {"avx512bw", x_max, 127, pair_max, x_lane, w_lane, 6, 8, 32, avx512::screen_product}};
  if (level == Level::kAvx512) {
    const bool vnni = __builtin_cpu_supports("avx512vnni");
    *n = !vnni ? 1 : has_amx().int8 ? 3 : 2;
    return wide + (3 - *n);
  }
  *n = has_avx_vnni() ? 2 : 1;
  return narrow + (2 - *n);
#else
  return nullptr;
#endif
}

namespace plain {

void screen_rows(const ScreenRowsArgs& a) {
  const int64_t group = a.form.group, groups = (a.n + group - 1) / group;
  std::vector<int32_t> whole(static_cast<size_t>(a.stride));
  for (int64_t r = 0; r < groups * group; ++r) {
    const int64_t unit = a.form.unit, row_bytes = a.form.row_bytes(a.stride);
    uint8_t* out = a.packed + r / group * group * row_bytes + r % group * unit;
    for (int64_t k = 0; k < row_bytes; k += unit) std::fill_n(out + k * group, unit, static_cast<uint8_t>(0));
    float* beside = a.beside + r * kScreenColumns;
    std::fill_n(beside, kScreenColumns, 0.0f);
    if (r >= a.n) {
      a.scale[r] = a.error[r] = a.size[r] = 0;
      continue;
    }
    const float* row = a.rows + r * a.stride;
    const Rounded p = round_row(row, a.stride, a.columns, a.n_columns, a.form.x_max, whole.data());
    a.scale[r] = p.scale;
    a.error[r] = p.error;
    a.size[r] = p.size;
    for (int64_t c = 0; c < a.n_columns; ++c) beside[c] = row[a.columns[c]];
    for (int64_t k = 0; k < a.stride; ++k) {
      out[k / unit * unit * group + k % unit] =
          static_cast<uint8_t>(whole[static_cast<size_t>(k)] + a.form.x_max);
    }
  }
}

void screen_panel(const ScreenPanelArgs& a) {
  std::vector<int32_t> whole(static_cast<size_t>(a.stride));
  const float margin = screen_margin(a.stride);
  const int64_t columns = a.form.columns;
  std::fill_n(a.out.beside, kScreenColumns * kPanel, 0.0f);
  for (int64_t j = 0; j < kPanel; ++j) {
    const float* row = a.w + j * a.stride;
    const Rounded p = round_row(row, a.stride, a.columns, a.n_columns, a.form.w_max, whole.data());
    a.out.scale[j] = p.scale;
    a.out.error[j] = p.error;
    a.out.norm[j] = p.norm;
    a.out.bias[j] = a.bias[j] + margin * std::fabs(a.bias[j]) + kScreenTiny;
    int32_t sum = 0;
    for (int64_t k = 0; k < a.stride; ++k) {
      const int32_t v = whole[static_cast<size_t>(k)];
      sum += v;
      a.out.packed[j / columns * columns * a.stride + (k / 4 * columns + j % columns) * 4 + k % 4] =
          static_cast<int8_t>(v);
    }
    a.out.shift[j] = sum * a.form.x_max;
    for (int64_t c = 0; c < a.n_columns; ++c) a.out.beside[c * kPanel + j] = row[a.columns[c]];
  }
}

void screen_product(const ScreenProductArgs& a) {
  constexpr int64_t kGroup = 4;
  const int64_t stride = a.n_panels * kPanel + kListSlack;
  for (int64_t r = 0; r < a.n; ++r) {
    const uint8_t* row = a.packed + r / kGroup * kGroup * a.steps * 8 + r % kGroup * 8;
    for (int64_t j = 0; j < a.n_panels * kPanel; ++j) {
      const int64_t lane = j % kPanel, panel = j / kPanel;
      const int8_t* w = a.latents.packed + panel * kPanel * a.steps * 8 + lane * 4;
      int32_t sum = -a.latents.shift[j];
      for (int64_t k = 0; k < a.steps * 8; ++k)
        sum += row[k / 8 * kGroup * 8 + k % 8] * w[k / 4 * 4 * kPanel + k % 4];
      float bound = static_cast<float>(sum) * a.latents.scale[j] * a.scale[r] + a.latents.bias[j] +
                    a.error[r] * a.latents.norm[j] + a.size[r] * a.latents.error[j];
      for (int64_t c = 0; c < a.n_columns; ++c)
        bound +=
            a.beside[r * kScreenColumns + c] * a.latents.beside[(panel * kScreenColumns + c) * kPanel + lane];
      if (std::isnan(bound)) bound = kInfinity;
      if (!(bound > a.floor[r])) continue;
      a.row_value[r * stride + a.count[r]] = bound;
      a.row_index[r * stride + a.count[r]++] = static_cast<uint16_t>(j);
    }
  }
}

void exact_segment(const ExactArgs& a) {
  const int64_t list_stride = a.n_latents + kListSlack, steps = a.stride / kLanes;
  int32_t end = a.first;
  for (int64_t r = 0; r < a.n; ++r) {
    a.row_ptr[r] = end;
    const float* row = a.rows + r * a.stride;
    for (int q = 0; q < a.count[r]; ++q) {
      const uint16_t j = a.row_index[r * list_stride + q];
      const float* w = a.w + j * a.stride;
      float h = 0;
      for (int64_t l = 0; l < kLanes; ++l) {
        float sum = 0;
        for (int64_t i = 0; i < steps; ++i) sum = std::fma(row[i * kLanes + l], w[i * kLanes + l], sum);
        h += sum;
      }
      h += a.bias[j];
      if (!(h > a.floor[r])) continue;
      a.value[end - a.first] = h;
      a.index[end++ - a.first] = j;
    }
  }
  a.row_ptr[a.n] = end;
}

}  // namespace plain
}  // namespace saev

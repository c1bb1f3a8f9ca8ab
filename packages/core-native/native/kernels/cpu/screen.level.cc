#include "kernels/cpu/screen.h"

#include "kernels/cpu/screen_round.h"
#include "kernels/cpu/screen_wrapping.h"
#include "kernels/cpu/transpose8.h"

namespace saev {
namespace {

constexpr int kVectors = kLanes / kWidth;  ///< vectors of partial sums of one product
constexpr int kTogether = 4;               ///< products that share a row of W_enc
constexpr int kBuffered = 64;              ///< products whose partial sums wait for their sum

/// Partial sums of N rows with w, kLanes floats each. `ahead` is the row of W_enc that comes next: few rows
/// of a block need the same one, and it lies beyond the caches.
template <int N>
SAEV_INLINE void partial_products(const float* rows, int64_t stride, const uint16_t* row, const float* w,
                                  const float* ahead, float* out) {
  const float* x[N];
  Vec sum[N][kVectors];
  SAEV_UNROLL for (int n = 0; n < N; ++n) {
    x[n] = rows + row[n] * stride;
    SAEV_UNROLL for (int v = 0; v < kVectors; ++v) sum[n][v] = zero();
  }
  for (int64_t k = 0; k < stride; k += kLanes) {
    prefetch(ahead + k);
    SAEV_UNROLL for (int v = 0; v < kVectors; ++v) {
      const Vec weights = load(w + k + v * kWidth);
      SAEV_UNROLL for (int n = 0; n < N; ++n) sum[n][v] =
          fma(load(x[n] + k + v * kWidth), weights, sum[n][v]);
    }
  }
  SAEV_UNROLL for (int n = 0; n < N; ++n) {
    SAEV_UNROLL for (int v = 0; v < kVectors; ++v) store(out + n * kLanes + v * kWidth, sum[n][v]);
  }
}

SAEV_INLINE float larger(float a, float b) {
  return a > b ? a : b;
}

#if defined(__AVX2__)
/// Where the two lanes' sums of a chunk begin. `bytes` [kScreenChunk], zeros beyond the row's end.
SAEV_INLINE void write_starts(const uint8_t* bytes, int32_t x_max, int8_t* out) {
  const __m256i pairs =
      _mm256_maddubs_epi16(_mm256_set1_epi8(1), _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes)));
  __m128i sum = _mm_add_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  sum = _mm_add_epi16(sum, _mm_shuffle_epi32(sum, 0x4e));
  sum = _mm_add_epi16(sum, _mm_shuffle_epi32(sum, 0xb1));
  const int lanes = _mm_cvtsi128_si32(_mm_mullo_epi16(sum, _mm_set1_epi16(static_cast<short>(-x_max))));
  __builtin_memcpy(out, &lanes, 4);
}
#endif

/// out[i] = the kLanes partial sums of product i, added in order, for i < 8.
SAEV_INLINE void add_lanes8(const float* partial, float* out) {
  alignas(64) float lanes[kLanes][8];
  for (int half = 0; half < kLanes; half += 8)
    transpose8(partial + half, kLanes, lanes[half], [](int q) { return q * 8; });
  for (int i = 0; i < 8; ++i) {
    out[i] = lanes[0][i];
    for (int l = 1; l < kLanes; ++l) out[i] += lanes[l][i];
  }
}

}  // namespace

namespace SAEV_LEVEL {

void screen_rows(const ScreenRowsArgs& a) {
  const int64_t group = a.form.group, groups = (a.n + group - 1) / group;
  for (int64_t r = 0; r < groups * group; ++r) {
    const int64_t unit = a.form.unit, row_bytes = a.form.row_bytes(a.stride);
    uint8_t* out = a.packed + r / group * group * row_bytes + r % group * unit;
    float* beside = a.beside + r * kScreenColumns;
    for (int64_t c = 0; c < kScreenColumns; ++c) beside[c] = 0;
    if (r >= a.n) {
      for (int64_t k = 0; k < row_bytes; k += unit)
        __builtin_memset(out + k * group, 0, static_cast<size_t>(unit));
      a.scale[r] = a.error[r] = a.size[r] = 0;
      continue;
    }
    const float* row = a.rows + r * a.stride;
    RowSizes sizes = row_sizes(row, a.stride, a.columns, a.n_columns, a.buffer);
    for (int64_t c = 0; c < a.n_columns; ++c) beside[c] = row[a.columns[c]];
    float scale = sizes.largest / static_cast<float>(a.form.x_max);
    if (a.form.wraps()) scale = larger(scale, sizes.scale_of_lanes(a.form.x_lane));
    const Rounding p = choose_rounding(sizes, a.stride, scale);
    const RoundedNorms norms = round_to_bytes(
        a.buffer, a.stride, p.inverse, a.form.x_max, [=](int64_t k, const uint8_t* bytes, int64_t n) {
          for (int64_t i = k; i < k + n; i += 8)
            __builtin_memcpy(out + i / unit * unit * group + i % unit, bytes + i - k, 8);
        });
    for (int64_t k = a.stride; k < row_bytes; k += 8)
      __builtin_memset(out + k / unit * unit * group + k % unit, 0, 8);
    a.scale[r] = p.scale;
    a.error[r] = p.error + p.scale * __builtin_sqrtf(norms.errors) * kNormSlack;
    a.size[r] = p.lost ? __builtin_inff() : p.scale * __builtin_sqrtf(norms.sizes) * kNormSlack;
  }
}

void screen_panel(const ScreenPanelArgs& a) {
  const float margin = screen_margin(a.stride);
  for (int64_t i = 0; i < kScreenColumns * kPanel; ++i) a.out.beside[i] = 0;
  for (int64_t j = 0; j < kPanel; ++j) {
    const float* row = a.w + j * a.stride;
    RowSizes sizes = row_sizes(row, a.stride, a.columns, a.n_columns, a.buffer);
    float scale = sizes.largest / static_cast<float>(a.form.w_max);
    const bool wraps = a.form.wraps();
    if (wraps) {
      // Rounding adds at most a half to each of two.
      const float of_pairs = sizes.pairs / static_cast<float>(a.form.pair_max - 1);
      scale = larger(scale, larger(of_pairs, sizes.scale_of_lanes(a.form.w_lane)));
    }
    const Rounding p = choose_rounding(sizes, a.stride, scale);
    const int64_t columns = a.form.columns;
    int8_t* out = a.out.packed + j / columns * columns * a.form.latent_bytes(a.stride) + j % columns * 4;
    const RoundedNorms norms =
        round_to_bytes(a.buffer, a.stride, p.inverse, 0, [&](int64_t, const uint8_t* bytes, int64_t n) {
#if defined(__AVX2__)
          if (wraps) {
            write_starts(bytes, a.form.x_max, out);
            out += 4 * columns;
          }
#endif
          for (int64_t i = 0; i < n; i += 4, out += 4 * columns) __builtin_memcpy(out, bytes + i, 4);
        });
    a.out.scale[j] = p.scale;
    a.out.error[j] = p.error + p.scale * __builtin_sqrtf(norms.errors) * kNormSlack;
    a.out.norm[j] = p.norm;
    a.out.bias[j] = a.bias[j] + margin * __builtin_fabsf(a.bias[j]) + kScreenTiny;
    a.out.shift[j] = norms.sum * a.form.x_max;
    for (int64_t c = 0; c < a.n_columns; ++c) a.out.beside[c * kPanel + j] = row[a.columns[c]];
  }
}

void exact_segment(const ExactArgs& a) {
  const int64_t list_stride = a.n_latents + kListSlack;
  // Sorted by latent, so that a row of W_enc is fetched once.
  for (int64_t j = 0; j <= a.n_latents; ++j) a.start[j] = 0;
  for (int64_t r = 0; r < a.n; ++r) {
    const uint16_t* index = a.row_index + r * list_stride;
    for (int q = 0; q < a.count[r]; ++q) ++a.start[index[q] + 1];
  }
  for (int64_t j = 0; j < a.n_latents; ++j) a.start[j + 1] += a.start[j];
  for (int64_t r = 0; r < a.n; ++r) {
    const uint16_t* index = a.row_index + r * list_stride;
    for (int q = 0; q < a.count[r]; ++q) {
      const int32_t at = a.start[index[q]]++;
      a.by_latent[at] = static_cast<uint16_t>(r);
      a.position[at] = static_cast<int32_t>(r * list_stride + q);
    }
  }
  // start[j] is now where latent j ends.
  alignas(64) float partial[(kBuffered + kTogether + 8) * kLanes];
  alignas(64) float sum[kBuffered + kTogether + 8], bias[kBuffered + kTogether + 8];
  int32_t done = 0, q = 0;
  const auto flush = [&] {
    for (int32_t i = 0; i < q - done; i += 8) add_lanes8(partial + i * kLanes, sum + i);
    for (int32_t i = 0; i < q - done; ++i) a.row_value[a.position[done + i]] = sum[i] + bias[i];
    done = q;
  };
  const auto next_with_rows = [&](int64_t j, int32_t begin) {
    while (j < a.n_latents && a.start[j] == begin) ++j;
    return j;
  };
  for (int64_t j = next_with_rows(0, 0), next = 0; j < a.n_latents; j = next) {
    const int32_t end = a.start[j];
    next = next_with_rows(j + 1, end);
    const float* w = a.w + j * a.stride;
    const float* ahead = next < a.n_latents ? a.w + next * a.stride : w;
    while (q < end) {
      const int32_t n = end - q < kTogether ? end - q : kTogether;
      float* out = partial + (q - done) * kLanes;
      switch (n) {
        case 1:
          partial_products<1>(a.rows, a.stride, a.by_latent + q, w, ahead, out);
          break;
        case 2:
          partial_products<2>(a.rows, a.stride, a.by_latent + q, w, ahead, out);
          break;
        case 3:
          partial_products<3>(a.rows, a.stride, a.by_latent + q, w, ahead, out);
          break;
        default:
          partial_products<4>(a.rows, a.stride, a.by_latent + q, w, ahead, out);
      }
      for (int32_t i = 0; i < n; ++i) bias[q - done + i] = a.bias[j];
      q += n;
      if (q - done >= kBuffered) flush();
    }
  }
  flush();
  int32_t listed = 0;
  for (int64_t r = 0; r < a.n; ++r) {
    a.row_ptr[r] = a.first + listed;
    const float* value = a.row_value + r * list_stride;
    const uint16_t* index = a.row_index + r * list_stride;
    const float floor = a.floor[r];
    for (int i = 0; i < a.count[r]; ++i) {
      a.value[listed] = value[i];
      a.index[listed] = index[i];
      listed += value[i] > floor;
    }
  }
  a.row_ptr[a.n] = a.first + listed;
}

#if defined(__AVX2__)
void screen_product(const ScreenProductArgs& a) {
#if defined(__AVX512F__)
  run_screen<WrappingTile<6>>(a);
#else
  run_screen<WrappingTile<3>>(a);
#endif
}
#endif

}  // namespace SAEV_LEVEL
}  // namespace saev

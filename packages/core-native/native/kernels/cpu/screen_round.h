#pragma once
// Rows of float32 made into 8-bit numbers, with what the bound of screen.h needs. For level files only.

#include "kernels/cpu/screen.h"
#include "kernels/cpu/simd.h"

namespace saev {
namespace {

struct RowSizes {
  float squares = 0;  ///< Σ v² of all columns; NaN or infinite where one is
  float largest = 0;  ///< |v| at most, without the columns left out
  float beside = 0;   ///< |v| at most of those
  float pairs = 0;    ///< |v₀| + |v₁| of two neighbours at most
  float lanes = 0;    ///< Σ v² of a lane of a chunk at most

  /// The scale with which round_to_bytes keeps to ‖ṽ‖ ≤ `lane`: rounding adds at most a half to each of
  /// sixteen, in norm 2.
  float scale_of_lanes(int32_t lane) const { return __builtin_sqrtf(lanes) / static_cast<float>(lane - 2); }
};

/// Copies the row to `buffer` with zeros in the columns left out, and measures it.
SAEV_INLINE RowSizes row_sizes(const float* row, int64_t stride, const int32_t* columns, int64_t n_columns,
                               float* buffer) {
  RowSizes out;
  Vec squares = zero();
  for (int64_t k = 0; k < stride; k += kWidth) {
    const Vec v = load(row + k);
    store(buffer + k, v);
    squares = fma(v, v, squares);
  }
  out.squares = hsum(squares);
  for (int64_t c = 0; c < n_columns; ++c) {
    const float v = __builtin_fabsf(buffer[columns[c]]);
    out.beside = v > out.beside ? v : out.beside;
    buffer[columns[c]] = 0;
  }
#if defined(__AVX2__)
  const __m256 no_sign = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  __m256 largest = _mm256_setzero_ps(), pairs = _mm256_setzero_ps(), lanes = _mm256_setzero_ps();
  for (int64_t k = 0; k < stride; k += kScreenChunk) {
    __m256 sum = _mm256_setzero_ps();
    const int64_t end = k + kScreenChunk < stride ? k + kScreenChunk : stride;
    for (int64_t i = k; i < end; i += 16) {
      const __m256 a = _mm256_and_ps(_mm256_load_ps(buffer + i), no_sign);
      const __m256 b = _mm256_and_ps(_mm256_load_ps(buffer + i + 8), no_sign);
      largest = _mm256_max_ps(largest, _mm256_max_ps(a, b));
      pairs = _mm256_max_ps(pairs, _mm256_hadd_ps(a, b));
      sum = _mm256_fmadd_ps(a, a, _mm256_fmadd_ps(b, b, sum));
    }
    // Columns 0, 1, 4, 5 and 2, 3, 6, 7 of eight.
    const __m256 halves = _mm256_add_ps(sum, _mm256_permute2f128_ps(sum, sum, 1));
    lanes = _mm256_max_ps(lanes, _mm256_hadd_ps(halves, halves));
  }
  alignas(32) float l[8], p[8], s[8];
  _mm256_store_ps(l, largest);
  _mm256_store_ps(p, pairs);
  _mm256_store_ps(s, lanes);
  for (int i = 0; i < 8; ++i) {
    out.largest = l[i] > out.largest ? l[i] : out.largest;
    out.pairs = p[i] > out.pairs ? p[i] : out.pairs;
    out.lanes = s[i] > out.lanes ? s[i] : out.lanes;
  }
#else
  // No form of such a machine wraps.
  for (int64_t k = 0; k < stride; ++k) {
    const float v = __builtin_fabsf(buffer[k]);
    out.largest = v > out.largest ? v : out.largest;
  }
#endif
  return out;
}

struct Rounding {
  float scale = 0, inverse = 0;
  float error = 0;    ///< of the bound, without the rounding's own
  float norm = 0;     ///< ‖v‖
  bool lost = false;  ///< a value is not finite or too large: every bound is infinite
};

SAEV_INLINE Rounding choose_rounding(const RowSizes& sizes, int64_t stride, float scale) {
  Rounding out;
  const auto columns = static_cast<float>(stride);
  if (!(sizes.squares <= columns * kScreenHuge * kScreenHuge)) {
    out.norm = out.error = __builtin_inff();
    out.lost = true;
    return out;
  }
  const float largest = sizes.largest > sizes.beside ? sizes.largest : sizes.beside;
  const float width = __builtin_sqrtf(columns) * kNormSlack;
  if (largest < kScreenSmall) {
    out.norm = out.error = largest * width + kScreenTiny;
    return out;
  }
  out.norm = __builtin_sqrtf(sizes.squares) * kNormSlack;
  out.error = screen_margin(stride) * out.norm;
  if (sizes.largest < kScreenSmall) {
    out.error += sizes.largest * width + kScreenTiny;
    return out;
  }
  out.scale = scale;
  out.inverse = 1 / scale;
  return out;
}

struct RoundedNorms {
  float errors = 0;  ///< Σ (v / scale − ṽ)²
  float sizes = 0;   ///< Σ ṽ²
  int32_t sum = 0;   ///< Σ ṽ
};

/// ṽ = round(v · inverse), to nearest; `write(k, bytes, n)` gets n bytes ṽ + offset for columns k … k + n −
/// 1, 32 or at the end 16. An inverse of 0 makes zeros of everything.
template <typename Write>
SAEV_INLINE RoundedNorms round_to_bytes(float* row, int64_t stride, float inverse, int32_t offset,
                                        const Write& write) {
  RoundedNorms out;
  alignas(32) uint8_t bytes[32];
  if (inverse == 0) __builtin_memset(row, 0, static_cast<size_t>(stride) * sizeof(float));
#if defined(__AVX2__)
  const __m256 factor = _mm256_set1_ps(inverse);
  __m256 errors = _mm256_setzero_ps(), sizes = _mm256_setzero_ps();
  __m256i sums = _mm256_setzero_si256();
  const auto four = [&](int64_t k) {
    const __m256 t = _mm256_mul_ps(_mm256_load_ps(row + k), factor);
    const __m256 whole = _mm256_round_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256 e = _mm256_sub_ps(t, whole);
    errors = _mm256_fmadd_ps(e, e, errors);
    sizes = _mm256_fmadd_ps(whole, whole, sizes);
    const __m256i v = _mm256_cvtps_epi32(whole);
    sums = _mm256_add_epi32(sums, v);
    return v;
  };
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i up = _mm256_set1_epi8(static_cast<char>(offset));
  const __m256i none = _mm256_setzero_si256();
  for (int64_t k = 0; k < stride; k += 32) {
    const bool whole = k + 32 <= stride;
    const __m256i a = _mm256_packs_epi32(four(k), four(k + 8));
    const __m256i b = whole ? _mm256_packs_epi32(four(k + 16), four(k + 24)) : none;
    const __m256i packed = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order);
    _mm256_store_si256(reinterpret_cast<__m256i*>(bytes), _mm256_add_epi8(packed, up));
    write(k, bytes, k + 32 <= stride ? 32 : stride - k);
  }
  alignas(32) float e[8], s[8];
  alignas(32) int32_t n[8];
  _mm256_store_ps(e, errors);
  _mm256_store_ps(s, sizes);
  _mm256_store_si256(reinterpret_cast<__m256i*>(n), sums);
  for (int i = 0; i < 8; ++i) {
    out.errors += e[i];
    out.sizes += s[i];
    out.sum += n[i];
  }
#else
  for (int64_t k = 0; k < stride; k += 32) {
    for (int64_t i = 0; i < 32; ++i) {
      float whole = 0;
      if (k + i < stride) {
        const float t = row[k + i] * inverse;
        whole = __builtin_rintf(t);
        out.errors += (t - whole) * (t - whole);
        out.sizes += whole * whole;
        out.sum += static_cast<int32_t>(whole);
      }
      bytes[i] = static_cast<uint8_t>(static_cast<int32_t>(whole) + offset);
    }
    write(k, bytes, k + 32 <= stride ? 32 : stride - k);
  }
#endif
  return out;
}

}  // namespace
}  // namespace saev

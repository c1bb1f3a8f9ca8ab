#include "kernels/cpu/resample_rows.h"

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

typedef uint8_t Bytes __attribute__((vector_size(kWidth), may_alias));
typedef uint8_t BytesUnaligned __attribute__((vector_size(kWidth), aligned(1), may_alias));

constexpr int32_t kHalf = 1 << (kResampleBits - 1);
/// Rows whose pixels share a vector: four bytes of each, the fourth being the next pixel's red.
constexpr int kRowsAtOnce = kWidth / 4;

/// By hand on x86: GCC 12 makes dozens of instructions of __builtin_convertvector.
SAEV_INLINE IVec widened(Bytes b) {
#if defined(__AVX512F__)
  return (IVec)_mm512_cvtepu8_epi32((__m128i)b);
#elif defined(__AVX2__)
  return (IVec)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)b));
#else
  return __builtin_convertvector(b, IVec);
#endif
}

SAEV_INLINE Bytes to_bytes(IVec sum) {
  const IVec v = sum >> kResampleBits, low = v < 0 ? IVec{} : v, whole = low > 255 ? IVec{} + 255 : low;
#if defined(__AVX512F__)
  return (Bytes)_mm512_cvtepi32_epi8((__m512i)whole);
#elif defined(__AVX2__)
  const __m128i low_half = _mm256_castsi256_si128((__m256i)whole);
  const __m128i words = _mm_packus_epi32(low_half, _mm256_extracti128_si256((__m256i)whole, 1));
  return (Bytes)_mm_cvtsi128_si64(_mm_packus_epi16(words, words));
#else
  return __builtin_convertvector(whole, Bytes);
#endif
}

SAEV_INLINE uint32_t four(const uint8_t* p) {
  uint32_t bytes;
  __builtin_memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

/// Four bytes of each row. Put together in registers: through memory, a wide load would wait for narrow
/// stores.
SAEV_INLINE Bytes four_bytes(const uint8_t* p, int64_t stride) {
  typedef uint32_t Pixels __attribute__((vector_size(kWidth)));
#if defined(__AVX512F__)
  return (Bytes)Pixels{four(p), four(p + stride), four(p + 2 * stride), four(p + 3 * stride)};
#elif defined(__AVX2__)
  return (Bytes)Pixels{four(p), four(p + stride)};
#else
  return (Bytes)Pixels{four(p + 0 * stride)};
#endif
}

/// kRowsAtOnce rows, `stride` bytes apart, of which three bytes more than the pixels may be read.
void horizontal_group(const uint8_t* src, int64_t stride, const ResampleAxis& axis, uint8_t* dst) {
  for (int64_t x = 0; x < axis.outputs; ++x) {
    const uint8_t* in = src + axis.first[x] * 3;
    const int32_t* w = axis.weights + x * axis.taps;
    IVec sum = IVec{} + kHalf;
    for (int64_t k = 0; k < axis.count[x]; ++k, in += 3) {
      const Bytes all = four_bytes(in, stride);
      sum += widened(all) * w[k];
    }
    const Bytes out = to_bytes(sum);
    SAEV_UNROLL for (int r = 0; r < kRowsAtOnce; ++r) {
      uint8_t* p = dst + (r * axis.outputs + x) * 3;
      p[0] = out[4 * r];
      p[1] = out[4 * r + 1];
      p[2] = out[4 * r + 2];
    }
  }
}

/// N vectors of columns.
template <int N>
SAEV_INLINE void vertical_strip(const uint8_t* in, int64_t bytes, const int32_t* w, int64_t count,
                                uint8_t* out) {
  IVec sum[N];
  SAEV_UNROLL for (int v = 0; v < N; ++v) sum[v] = IVec{} + kHalf;
  for (int64_t k = 0; k < count; ++k, in += bytes) {
    SAEV_UNROLL for (int v = 0; v < N; ++v) {
      sum[v] += widened(*reinterpret_cast<const BytesUnaligned*>(in + v * kWidth)) * w[k];
    }
  }
  SAEV_UNROLL for (int v = 0; v < N; ++v) {
    *reinterpret_cast<BytesUnaligned*>(out + v * kWidth) = to_bytes(sum[v]);
  }
}

}  // namespace

namespace SAEV_LEVEL {

void resample_horizontal(const uint8_t* src, int64_t rows, int64_t width, const ResampleAxis& axis,
                         uint8_t* dst) {
  const int64_t stride = width * 3;
  int64_t y = 0;
  // A pixel is read as four bytes: behind the last row there is no fourth.
  for (; y + kRowsAtOnce < rows; y += kRowsAtOnce) {
    horizontal_group(src + y * stride, stride, axis, dst + y * axis.outputs * 3);
  }
  if (y < rows)
    plain::resample_horizontal(src + y * stride, rows - y, width, axis, dst + y * axis.outputs * 3);
}

void resample_vertical(const uint8_t* src, int64_t bytes, int64_t first_row, const ResampleAxis& axis,
                       uint8_t* dst) {
  for (int64_t y = 0; y < axis.outputs; ++y) {
    const uint8_t* in = src + (axis.first[y] - first_row) * bytes;
    const int32_t* w = axis.weights + y * axis.taps;
    uint8_t* out = dst + y * bytes;
    int64_t i = 0;
    for (; i + 8 * kWidth <= bytes; i += 8 * kWidth)
      vertical_strip<8>(in + i, bytes, w, axis.count[y], out + i);
    for (; i + kWidth <= bytes; i += kWidth) vertical_strip<1>(in + i, bytes, w, axis.count[y], out + i);
    for (; i < bytes; ++i) {
      int32_t sum = kHalf;
      for (int64_t k = 0; k < axis.count[y]; ++k) sum += in[k * bytes + i] * w[k];
      const int32_t v = sum >> kResampleBits;
      out[i] = static_cast<uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
    }
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

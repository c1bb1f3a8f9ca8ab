#include "kernels/cpu/resample_rows.h"

#include "kernels/cpu/simd.h"

namespace saev {
namespace {

typedef uint8_t Bytes __attribute__((vector_size(kWidth), may_alias));
typedef uint8_t BytesUnaligned __attribute__((vector_size(kWidth), aligned(1), may_alias));

constexpr int32_t kHalf = 1 << (kResampleBits - 1);
/// Rows whose pixels share a vector: four bytes of each, the fourth being the next pixel's red.
constexpr int kRowsAtOnce = kWidth / 4;

SAEV_INLINE IVec widened(Bytes b) {
  return __builtin_convertvector(b, IVec);
}

SAEV_INLINE Bytes to_bytes(IVec sum) {
  const IVec v = sum >> kResampleBits, low = v < 0 ? IVec{} : v;
  return __builtin_convertvector(low > 255 ? IVec{} + 255 : low, Bytes);
}

/// kRowsAtOnce rows, `stride` bytes apart, of which three bytes more than the pixels may be read.
void horizontal_group(const uint8_t* src, int64_t stride, const ResampleAxis& axis, int rows, uint8_t* dst) {
  for (int64_t x = 0; x < axis.outputs; ++x) {
    const uint8_t* in = src + axis.first[x] * 3;
    const int32_t* w = axis.weights + x * axis.taps;
    IVec sum = IVec{} + kHalf;
    for (int64_t k = 0; k < axis.count[x]; ++k, in += 3) {
      uint32_t pixels[kRowsAtOnce];
      SAEV_UNROLL for (int r = 0; r < kRowsAtOnce; ++r) __builtin_memcpy(&pixels[r], in + r * stride, 4);
      Bytes all;
      __builtin_memcpy(&all, pixels, sizeof all);
      sum += widened(all) * w[k];
    }
    const Bytes out = to_bytes(sum);
    for (int r = 0; r < rows; ++r) {
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
    horizontal_group(src + y * stride, stride, axis, kRowsAtOnce, dst + y * axis.outputs * 3);
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

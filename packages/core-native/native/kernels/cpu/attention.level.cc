#include "kernels/cpu/attention_head.h"
#include "kernels/cpu/bfloat16_vector.h"
#include "kernels/cpu/exp.h"
#include "kernels/cpu/product_tile.h"

namespace saev {
namespace {

constexpr int64_t kColumns = 32;  ///< of a panel, as product_tile.h reads it

int64_t padded(int64_t n) {
  return (n + kColumns - 1) / kColumns * kColumns;
}

/// e^(s − max) of a row of scores in place. @returns their sum; NaN where a score is NaN or infinite.
float exponentials(float* score, int64_t tokens) {
  // Padding becomes e^−87, too little to change a sum that is at least 1.
  for (int64_t i = tokens; i < padded(tokens); ++i) score[i] = -__builtin_huge_valf();
  float most = score[0], poison = 0;
  for (int64_t i = 0; i < tokens; ++i) {
    most = score[i] > most ? score[i] : most;
    poison += score[i] * 0.f;
  }
  Vec sum = zero();
  const Vec top = splat(most);
  for (int64_t i = 0; i < padded(tokens); i += kWidth) {
    const Vec e = vexp(load(score + i) - top);
    store(score + i, e);
    sum = sum + e;
  }
  return hsum(sum) + poison;
}

/// score[row][..] for a group of queries: q [width][kTileRows] times the panels of keys [width][kColumns].
[[gnu::noinline]] void scores_tile(const float* q, const float* keys, int64_t width, float* score,
                                   int64_t stride) {
  Vec sum[kTileRows][2];
  SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) sum[r][0] = sum[r][1] = zero();
  multiply_add_tile<kTileRows>(q, keys, kColumns, width, sum);
  SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) {
    store(score + r * stride, sum[r][0]);
    store(score + r * stride + kWidth, sum[r][1]);
  }
}

/// out[row] = Σ_token p[row][token] · values[token][..] · scale[row]
template <typename Out>
[[gnu::noinline]] void mix_tile(const float* p, int64_t stride, const float* values, int64_t tokens,
                                const float* scale, int valid, Out* out, int64_t out_stride,
                                int64_t columns) {
  Vec sum[kTileRows][2];
  SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) sum[r][0] = sum[r][1] = zero();
  multiply_add_rows<kTileRows>(p, stride, values, kColumns, tokens, sum);
  SAEV_UNROLL for (int r = 0; r < kTileRows; ++r) {
    if (r >= valid) break;
    put_first(out + r * out_stride, sum[r][0] * scale[r], columns);
    put_first(out + r * out_stride + kWidth, sum[r][1] * scale[r], columns - kWidth);
  }
}

template <typename Out>
void run_head(const Attention& a, int64_t image, int64_t head, float* scratch, Out* out) {
  const int64_t d = a.heads * a.width, tokens = a.tokens, width = a.width, qkv_stride = 3 * d;
  const float* q = a.qkv + image * tokens * qkv_stride + head * width;
  float* keys = scratch;                             // [panel of tokens][width][kColumns]
  float* values = keys + padded(tokens) * width;     // [panel of width][token][kColumns]
  float* queries = values + padded(width) * tokens;  // [width][kTileRows]
  queries += (16 - (queries - scratch) % 16) % 16;
  const int64_t stride = padded(tokens) % 256 == 0 ? padded(tokens) + 16 : padded(tokens);
  float* score = queries + (kTileRows * width + 15) / 16 * 16;  // [kTileRows][stride]
  const float scale = 1.f / __builtin_sqrtf(static_cast<float>(width));
  // A head's rows lie a whole row of all heads apart, which the machine's own fetching does not follow.
  constexpr int64_t kAhead = 8;
  for (int64_t t = 0; t < padded(tokens); ++t) {
    if (t < tokens) {
      const int64_t later = t + kAhead < tokens ? t + kAhead : tokens - 1;
      const float* row = q + t * qkv_stride;
      const auto bytes = static_cast<int64_t>(sizeof(float)) * width;
      prefetch_range(q + later * qkv_stride + d, bytes);
      prefetch_range(row, bytes);
      prefetch_range(row + 2 * d, bytes);
    }
    float* to = keys + t / kColumns * kColumns * width + t % kColumns;
    const float* from = q + t * qkv_stride + d;
    for (int64_t i = 0; i < width; ++i) to[i * kColumns] = t < tokens ? from[i] * scale : 0.f;
  }
  for (int64_t t = 0; t < tokens; ++t) {
    const float* from = q + t * qkv_stride + 2 * d;
    for (int64_t i = 0; i < padded(width); i += kColumns) {
      float* to = values + i * tokens + t * kColumns;
      for (int64_t c = 0; c < kColumns; ++c) to[c] = i + c < width ? from[i + c] : 0.f;
    }
  }
  for (int64_t group = 0; group < tokens; group += kTileRows) {
    const int valid = static_cast<int>(tokens - group < kTileRows ? tokens - group : kTileRows);
    for (int r = 0; r < kTileRows; ++r) {
      const float* from = q + (group + (r < valid ? r : 0)) * qkv_stride;
      for (int64_t i = 0; i < width; ++i) queries[i * kTileRows + r] = from[i];
    }
    for (int64_t t = 0; t < padded(tokens); t += kTileColumns) {
      scores_tile(queries, keys + t / kColumns * kColumns * width + t % kColumns, width, score + t, stride);
    }
    float inverse[kTileRows];
    for (int r = 0; r < kTileRows; ++r) inverse[r] = 1.f / exponentials(score + r * stride, tokens);
    Out* to = out + (image * tokens + group) * a.out.stride + head * width;
    for (int64_t i = 0; i < width; i += kTileColumns) {
      mix_tile(score, stride, values + i / kColumns * kColumns * tokens + i % kColumns, tokens, inverse,
               valid, to + i, a.out.stride, width - i);
    }
  }
}

}  // namespace

namespace SAEV_LEVEL {

void attention_head(const Attention& a, int64_t image, int64_t head, float* scratch) {
  if (a.out.bf16 != nullptr) {
    run_head(a, image, head, scratch, a.out.bf16);
  } else {
    run_head(a, image, head, scratch, a.out.f32);
  }
}

}  // namespace SAEV_LEVEL
}  // namespace saev

#pragma once
// A ViT's products with what follows them: y = epilogue(x Wᵀ + bias), in tiles of our own, on weights that
// are packed once. Every sum is made in the order of the inputs, so a result does not depend on how many rows
// are given, nor on the number of threads.

#include <cstdint>

#include "core/aligned.h"
#include "kernels/cpu/bias_gelu.h"
#include "kernels/cpu/rows_view.h"
#include "kernels/level.h"

namespace saev {

/// What becomes of h = x Wᵀ + bias.
enum class Epilogue {
  kBias,      ///< out = h
  kGelu,      ///< out = gelu(h)
  kSwiglu,    ///< out = g σ(g) ⊙ v, with g the first half of h and v the second
  kResidual,  ///< out += scale ⊙ h; always float32
};

/// A layer as a model keeps it.
struct LinearLayer {
  const float* weight = nullptr;  ///< [n_out, n_in]; for kSwiglu [2 n_out, n_in]
  const float* bias = nullptr;    ///< as many as W has rows, or null
  const float* scale = nullptr;   ///< [n_out] LayerScale, or null; kResidual only
  int64_t n_in = 0, n_out = 0;
  Epilogue epilogue = Epilogue::kBias;
  Gelu gelu = Gelu::kErf;
};

/// Columns of a panel of packed weights.
inline constexpr int64_t kLinearPanel = 32;
/// Rows of one task.
inline constexpr int64_t kLinearRows = 96;

/// A layer as the kernel reads it: W in panels [panel][tile][input][two vectors], in bfloat16 in pairs of
/// inputs [panel][tile][pair][two vectors][2]: what a tile reads lies together. Of a SwiGLU a vector of gates
/// is followed by the vector of its values.
struct PackedLinear {
  int64_t n_in = 0, n_out = 0, panels = 0;
  Epilogue epilogue = Epilogue::kBias;
  Gelu gelu = Gelu::kErf;
  Precision precision = Precision::kFloat32;
  Level level = Level::kPlain;  ///< whose vectors the order of columns fits
  AlignedArray<float> w;
  AlignedArray<uint16_t> w16;
  AlignedArray<float> bias, scale;  ///< [panels · kLinearPanel]; ones where there is no LayerScale

  int64_t bytes() const { return static_cast<int64_t>(w.size() * 4 + w16.size() * 2); }
};

/// Whether there is a kernel: any level but plain; bfloat16 where `has_bfloat16()`.
bool can_pack(Precision precision, Level level = active_level());
/// Whether this machine multiplies bfloat16 in vectors (AVX512-BF16), at the level in force.
bool has_bfloat16(Level level = active_level());

/// Throws Code::kUnsupported where `can_pack` says no.
PackedLinear pack_linear(const LinearLayer& layer, Precision precision, Level level = active_level());

/// `in` [rows, n_in] in the layer's precision, `out` [rows, n_out]: float32 for kBias and kResidual,
/// otherwise in the layer's precision. A stride of `in` that is a multiple of 1 KiB is slow: see
/// `padded_stride`. Runs on all threads.
void linear(const PackedLinear& layer, const RowsView& in, int64_t rows, const RowsView& out);

/// The formula, sums in float64, for tests. `in` [rows, n_in] and `out` [rows, n_out], both without gaps.
void linear_reference(const LinearLayer& layer, const float* in, int64_t rows, float* out);

/// Elements of `size` bytes from one row of n to the next, so that rows begin on cache lines and many rows at
/// the same column do not fall into the same sets of the first-level cache.
inline int64_t padded_stride(int64_t n, int64_t size) {
  const int64_t line = 64 / size, padded = (n + line - 1) / line * line;
  return padded * size % 1024 == 0 ? padded + line : padded;
}

}  // namespace saev

#include "kernels/cpu/linear.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/cpu/linear_block.h"

namespace saev {
namespace {

/// Rows that a tile takes at most.
constexpr int64_t kMostTileRows = 12;

using Run = void (*)(const LinearBlock&);

Run kernel_of(Precision precision, Level level) {
#if defined(SAEV_HAS_AVX2)
  if (precision == Precision::kBfloat16) return has_bfloat16(level) ? avx512bf16::linear_block : nullptr;
  if (level == Level::kAvx512) return avx512::linear_block;
  if (level == Level::kAvx2) return avx2::linear_block;
#elif defined(SAEV_HAS_NEON)
  if (precision == Precision::kFloat32 && level == Level::kNeon) return neon::linear_block;
#endif
  return nullptr;
}

/// Panels of one task. Tasks pack their rows, which more panels share; and there must be many tasks a thread,
/// so that all end together. With kLinearRows rows and 768 inputs eight are about 0.2 ms of a core.
int64_t panels_of_task(int64_t panels, int64_t blocks) {
  constexpr int64_t kTasksAThread = 16;
  for (const int64_t n : {24, 12}) {
    if (blocks * ((panels + n - 1) / n) >= kTasksAThread * num_threads()) return n;
  }
  return 8;
}

int64_t lanes_of(Level level) {
  return level == Level::kAvx512 ? 16 : level == Level::kAvx2 ? 8 : 4;
}

/// Which row of W packed column `column` is; −1 for padding.
int64_t source_row(const LinearLayer& layer, int64_t column, int64_t lanes) {
  if (layer.epilogue != Epilogue::kSwiglu) return column < layer.n_out ? column : -1;
  const int64_t unit = column / (2 * lanes) * lanes + column % lanes;
  if (unit >= layer.n_out) return -1;
  return column % (2 * lanes) < lanes ? unit : layer.n_out + unit;
}

}  // namespace

bool has_bfloat16([[maybe_unused]] Level level) {
#if defined(SAEV_HAS_AVX2)
  return level == Level::kAvx512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool can_pack(Precision precision, Level level) {
  return kernel_of(precision, level) != nullptr;
}

PackedLinear pack_linear(const LinearLayer& layer, Precision precision, Level level) {
  if (!can_pack(precision, level)) {
    throw Error(Code::kUnsupported, std::string("no tiled ") +
                                        (precision == Precision::kBfloat16 ? "bfloat16" : "float32") +
                                        " product at level " + level_name(level));
  }
  PackedLinear p;
  p.n_in = layer.n_in;
  p.n_out = layer.n_out;
  p.epilogue = layer.epilogue;
  p.gelu = layer.gelu;
  p.precision = precision;
  p.level = level;
  const int64_t lanes = lanes_of(level);
  const int64_t columns =
      layer.epilogue == Epilogue::kSwiglu ? (layer.n_out + lanes - 1) / lanes * lanes * 2 : layer.n_out;
  p.panels = (columns + kLinearPanel - 1) / kLinearPanel;
  const int64_t each = precision == Precision::kBfloat16 ? 2 : 1, steps = (layer.n_in + each - 1) / each;
  const auto padded = static_cast<size_t>(p.panels * kLinearPanel);
  const auto elements = padded * static_cast<size_t>(steps * each);
  if (each == 2) {
    p.w16 = AlignedArray<uint16_t>(elements);
  } else {
    p.w = AlignedArray<float>(elements);
  }
  p.bias = AlignedArray<float>(padded);
  p.scale = AlignedArray<float>(padded);
  std::fill_n(p.scale.data(), padded, 1.f);
  parallel_tasks(p.panels, [&](int64_t panel, int) {
    const int64_t tile = std::min(kLinearPanel, 2 * lanes);
    for (int64_t c = 0; c < kLinearPanel; ++c) {
      const int64_t column = panel * kLinearPanel + c, row = source_row(layer, column, lanes);
      if (row < 0) continue;
      if (layer.bias != nullptr) p.bias[static_cast<size_t>(column)] = layer.bias[row];
      if (layer.scale != nullptr) p.scale[static_cast<size_t>(column)] = layer.scale[row];
      const float* from = layer.weight + row * layer.n_in;
      const int64_t base = (panel * kLinearPanel + c / tile * tile) * steps * each;
      for (int64_t k = 0; k < layer.n_in; ++k) {
        const auto at = static_cast<size_t>(base + (k / each * tile + c % tile) * each + k % each);
        if (each == 2) {
          p.w16[at] = to_bfloat16(from[k]);
        } else {
          p.w[at] = from[k];
        }
      }
    }
  });
  return p;
}

void linear(const PackedLinear& p, const RowsView& in, int64_t rows, const RowsView& out) {
  if (rows == 0) return;
  const Run run = kernel_of(p.precision, p.level);
  const bool half = p.precision == Precision::kBfloat16;
  const int64_t each = half ? 2 : 1, steps = (p.n_in + each - 1) / each;
  const int64_t blocks = (rows + kLinearRows - 1) / kLinearRows;
  const int64_t of_task = panels_of_task(p.panels, blocks);
  const int64_t segments = (p.panels + of_task - 1) / of_task;
  const auto partial = static_cast<size_t>(of_task * kLinearRows * kLinearPanel);
  const size_t packed = kLinearRows * kLinearPacked, tail = static_cast<size_t>(kMostTileRows * in.stride);
  parallel_tasks(blocks * segments, [&](int64_t task, int) {
    // Half a megabyte, kept: a block of a ViT has four products.
    static thread_local AlignedArray<float> mine;
    if (mine.size() < partial + packed + tail) mine = AlignedArray<float>(partial + packed + tail);
    const int64_t row = task % blocks * kLinearRows, panel = task / blocks * of_task;
    const int64_t offset = panel * steps * each * kLinearPanel;
    LinearBlock b{};
    b.n_in = p.n_in;
    b.n_out = p.n_out;
    b.epilogue = p.epilogue;
    b.gelu = p.gelu;
    b.w = half ? static_cast<const void*>(p.w16.data() + offset) : p.w.data() + offset;
    b.bias = p.bias.data();
    b.scale = p.scale.data();
    const auto from_row = [row](const RowsView& v) {
      return RowsView{v.f32 ? v.f32 + row * v.stride : nullptr, v.bf16 ? v.bf16 + row * v.stride : nullptr,
                      v.stride};
    };
    b.in = from_row(in);
    b.out = from_row(out);
    b.rows = std::min(kLinearRows, rows - row);
    b.panel_from = panel;
    b.panel_to = std::min(p.panels, panel + of_task);
    b.partial = mine.data();
    b.packed = mine.data() + partial;
    b.tail = b.packed + packed;
    run(b);
  });
}

void linear_reference(const LinearLayer& layer, const float* in, int64_t rows, float* out) {
  const auto h = [&](int64_t r, int64_t j) {
    double sum = layer.bias != nullptr ? layer.bias[j] : 0;
    for (int64_t k = 0; k < layer.n_in; ++k)
      sum += double{in[r * layer.n_in + k]} * layer.weight[j * layer.n_in + k];
    return sum;
  };
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < layer.n_out; ++j) {
      float& y = out[r * layer.n_out + j];
      const double value = h(r, j);
      switch (layer.epilogue) {
        case Epilogue::kBias:
          y = static_cast<float>(value);
          break;
        case Epilogue::kGelu:
          y = static_cast<float>(gelu_of(value, layer.gelu));
          break;
        case Epilogue::kSwiglu:
          y = static_cast<float>(value / (1 + std::exp(-value)) * h(r, layer.n_out + j));
          break;
        case Epilogue::kResidual:
          y = static_cast<float>(y + (layer.scale != nullptr ? layer.scale[j] : 1) * value);
          break;
      }
    }
  }
}

}  // namespace saev

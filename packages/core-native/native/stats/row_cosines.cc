#include "stats/row_cosines.h"

#include <ATen/ops/mm.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/aligned.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/cpu/linear.h"
#include "stats/unit_rows.h"

namespace saev {
namespace {

constexpr int64_t kRows = 512,
                  kColumns = 1024;  // of products that are made at a time: 2 MB stay in the cache
constexpr int64_t kStripe = 128;    // columns of a task, whose extremes stay in L1
constexpr int64_t kLanes = 16;      // independent extremes of one row, so that they are vectors

/// Largest and smallest of some cosines. Nothing seen: those of no cosine.
struct Extremes {
  float high = -1, low = 1;

  void see(float high_seen, float low_seen) {
    high = std::max(high, high_seen);
    low = std::min(low, low_seen);
  }
};

/// Products of rows [row, row + n_rows) with rows [column, column + n_columns).
struct Tile {
  int64_t row, n_rows, column, n_columns;
  const float* products;
  int64_t stride;
};

/// Multiplies rows of a matrix with `n_columns` others of it, which are packed once.
class Products {
 public:
  Products(const at::Tensor& rows, int64_t column, int64_t n_columns)
      : rows_(rows), column_(column), n_columns_(n_columns) {
    others_ = rows.narrow(0, column, n_columns);
    if (!can_pack(Precision::kFloat32)) return;
    LinearLayer layer;
    layer.weight = others_.const_data_ptr<float>();
    layer.n_in = rows.size(1);
    layer.n_out = n_columns;
    packed_ = pack_linear(layer, Precision::kFloat32);
  }

  /// Valid until the next call.
  Tile operator()(int64_t row, int64_t n_rows) {
    Tile tile{row, n_rows, column_, n_columns_, nullptr, n_columns_};
    const int64_t d = rows_.size(1);
    if (packed_.n_in == 0) {  // no kernel for this processor, or no columns
      plain_ = at::mm(rows_.narrow(0, row, n_rows), others_.t());
      tile.products = plain_.const_data_ptr<float>();
      return tile;
    }
    const int64_t stride = padded_stride(d, sizeof(float));
    tile.stride = padded_stride(kColumns, sizeof(float));
    if (in_.size() == 0) {
      in_ = AlignedArray<float>(static_cast<size_t>(kRows * stride));
      out_ = AlignedArray<float>(static_cast<size_t>(kRows * tile.stride));
    }
    const float* from = rows_.const_data_ptr<float>() + row * d;
    parallel_tasks((n_rows + kLinearRows - 1) / kLinearRows, [&](int64_t task, int) {
      for (int64_t r = task * kLinearRows; r < std::min(n_rows, (task + 1) * kLinearRows); ++r)
        std::copy_n(from + r * d, d, in_.data() + r * stride);
    });
    linear(packed_, {in_.data(), nullptr, stride}, n_rows, {out_.data(), nullptr, tile.stride});
    tile.products = out_.data();
    return tile;
  }

 private:
  const at::Tensor& rows_;
  int64_t column_, n_columns_;
  at::Tensor others_, plain_;
  PackedLinear packed_;
  AlignedArray<float> in_, out_;
};

/// Sees the pairs of a tile that lie above the diagonal, in columns [begin, end) of it: each for its column,
/// and for its row in `of_row` [n_rows].
void see_stripe(const Tile& t, int64_t begin, int64_t end, Extremes* of_row, Extremes* of_column) {
  const int64_t width = end - begin;
  std::array<float, kStripe> high, low;
  high.fill(-1);
  low.fill(1);
  for (int64_t r = 0; r < t.n_rows; ++r) {
    const float* cosine = t.products + r * t.stride + begin;
    const int64_t from = std::clamp<int64_t>(t.row + r + 1 - t.column - begin, 0, width);
    std::array<float, kLanes> row_high, row_low;
    row_high.fill(-1);
    row_low.fill(1);
    const auto see = [&](int64_t j, int64_t lane) {
      const float c = cosine[j];
      high[j] = std::max(high[j], c);
      low[j] = std::min(low[j], c);
      row_high[lane] = std::max(row_high[lane], c);
      row_low[lane] = std::min(row_low[lane], c);
    };
    int64_t j = from;
    for (; j + kLanes <= width; j += kLanes)
      for (int64_t lane = 0; lane < kLanes; ++lane) see(j + lane, lane);
    for (; j < width; ++j) see(j, 0);
    of_row[r].see(*std::ranges::max_element(row_high), *std::ranges::min_element(row_low));
  }
  for (int64_t j = 0; j < width; ++j) of_column[t.column + begin + j].see(high[j], low[j]);
}

}  // namespace

RowCosines row_cosines(const at::Tensor& a, const Job& job) {
  if (a.dim() != 2 || a.scalar_type() != at::kFloat)
    throw Error(Code::kShapeMismatch, "expected a float32 matrix");
  const at::Tensor rows = unit_rows(a);
  const int64_t n = a.size(0);
  std::vector<Extremes> seen(static_cast<size_t>(n));
  constexpr int64_t kStripes = kColumns / kStripe;
  std::vector<Extremes> of_stripes(static_cast<size_t>(kStripes * kRows));
  const double all = static_cast<double>(n);
  // Of j and i the cosine is that of i and j: only what lies above the diagonal is made.
  for (int64_t column = 0; column < n; column += kColumns) {
    const int64_t n_columns = std::min(kColumns, n - column), end = column + n_columns;
    Products products(rows, column, n_columns);
    for (int64_t row = 0; row < end; row += kRows) {
      job.check_abort();
      const int64_t n_rows = std::min(kRows, end - row);
      const Tile tile = products(row, n_rows);
      const int64_t stripes = (n_columns + kStripe - 1) / kStripe;
      std::ranges::fill(of_stripes, Extremes());
      parallel_tasks(stripes, [&](int64_t s, int) {
        see_stripe(tile, s * kStripe, std::min(n_columns, (s + 1) * kStripe), &of_stripes[s * kRows],
                   seen.data());
      });
      for (int64_t s = 0; s < stripes; ++s) {
        for (int64_t r = 0; r < n_rows; ++r)
          seen[row + r].see(of_stripes[s * kRows + r].high, of_stripes[s * kRows + r].low);
      }
    }
    // Later rows have ever more others before them.
    job.report({static_cast<double>(end) * static_cast<double>(end) / all, all, {}});
  }
  RowCosines out{std::vector<float>(static_cast<size_t>(n)), std::vector<float>(static_cast<size_t>(n))};
  if (n == 1) return out;
  for (size_t i = 0; i < seen.size(); ++i) {
    out.largest[i] = std::min(1.0f, seen[i].high);
    out.magnitude[i] = std::min(1.0f, std::max(seen[i].high, -seen[i].low));
  }
  return out;
}

}  // namespace saev

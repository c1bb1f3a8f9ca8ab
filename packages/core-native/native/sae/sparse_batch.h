#pragma once
// Active latents of a batch. Everything after the encoder works on these lists; the B × d_sae matrix never
// exists.

#include <cstdint>
#include <vector>

namespace saev {

/// Compressed rows: latents of row r are entries [row_start[r], row_start[r + 1]), ascending in `latent`.
struct SparseBatch {
  int64_t rows = 0;
  int64_t d_sae = 0;
  std::vector<int64_t> row_start;  ///< [rows + 1]
  std::vector<int32_t> latent;     ///< [nnz]
  std::vector<float> value;        ///< [nnz], f_x ≠ 0

  int64_t nnz() const { return row_start.empty() ? 0 : row_start.back(); }
};

}  // namespace saev

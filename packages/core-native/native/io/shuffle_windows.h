#pragma once
// The order of one epoch that is read through a buffer: rows lie in chunks that follow each other on disk,
// chunks come in a shuffled order, a buffer of them is a window, and the rows of a window leave it shuffled.
// Pure arithmetic on positions: an epoch is its seed, and nothing has to be stored to go on in the middle of
// one.

#include <cstdint>
#include <vector>

#include "io/index_permutation.h"

namespace saev {

/// Rows [begin, begin + rows) of the source's own order.
struct Chunk {
  int64_t begin = 0;
  int64_t rows = 0;
};

class ShuffleWindows {
 public:
  /// @param length rows of the epoch, at least 1
  /// @param chunk_rows rows of a chunk, at least 1; the last chunk may be shorter
  /// @param window_rows rows that a window holds at most; at least one chunk is in a window
  ShuffleWindows(int64_t length, int64_t chunk_rows, int64_t window_rows, uint64_t seed, int64_t epoch);

  int64_t count() const { return (chunks_.size() + per_window_ - 1) / per_window_; }
  /// The window that holds the epoch's row number `position`, 0 ≤ position < length.
  int64_t window_at(int64_t position) const;
  /// Position of the window's first row in the epoch; `count()` gives the length.
  int64_t begin(int64_t window) const;
  int64_t rows(int64_t window) const { return begin(window + 1) - begin(window); }
  /// In the order of the disk. All but the last have `chunk_rows()` rows.
  std::vector<Chunk> chunks(int64_t window) const;
  /// From a row's turn in the window to its place among the window's chunks, counted in their order.
  IndexPermutation order(int64_t window) const { return {rows(window), seed_ ^ mix64(window + 1)}; }
  int64_t chunk_rows() const { return chunk_rows_; }

 private:
  int64_t length_;
  int64_t chunk_rows_;
  int64_t per_window_;  ///< chunks
  uint64_t seed_;
  IndexPermutation chunks_;
  int64_t missing_;       ///< rows that the last chunk is short of
  int64_t short_window_;  ///< the window that it is in
};

}  // namespace saev

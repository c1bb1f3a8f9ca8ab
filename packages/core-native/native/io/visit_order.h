#pragma once
// In which order an epoch visits its rows: all of them shuffled at once, or block by block, each block being
// some images whose rows fit a buffer. Both are computed from seed, epoch and position: a checkpoint holds
// three numbers.

#include <cstdint>

#include "io/index_permutation.h"

namespace saev {

/// Sizes of the data and of a block.
struct VisitPlan {
  int64_t n_images = 0;
  int64_t rows_per_image = 0;
  /// Images whose rows are shuffled together; 0, or no fewer than there are: all of them.
  int64_t images_per_block = 0;

  int64_t length() const { return n_images * rows_per_image; }
  bool one_block() const { return images_per_block <= 0 || images_per_block >= n_images; }
  int64_t n_blocks() const { return one_block() ? 1 : (n_images + images_per_block - 1) / images_per_block; }
};

/// The order of one epoch of a fully shuffled source: a permutation chosen by (seed, epoch).
IndexPermutation epoch_order(int64_t length, uint64_t seed, int64_t epoch);

/// The order of one epoch. Images are permuted, then cut into blocks, then the rows of each block are
/// permuted: every row comes once, all rows of an image within its block. One block has its images in their
/// own order and the same order of rows as `epoch_order`.
class VisitOrder {
 public:
  VisitOrder(VisitPlan plan, bool shuffled, uint64_t seed, int64_t epoch);

  /// Where a row lies: row `local` of block `block`, whose rows are ordered by image, then as within the
  /// image.
  struct Place {
    int64_t block = 0;
    int64_t local = 0;
  };
  /// Of the row visited at `position`, which is in [0, length).
  Place place(int64_t position) const;
  /// Number of the row visited at `position`, in [0, length): image · rows_per_image + row within.
  int64_t operator()(int64_t position) const;

  /// The image, in [0, n_images), at place `slot` of a block.
  int64_t image(int64_t block, int64_t slot) const;
  int64_t images_in(int64_t block) const;
  /// First position of a block.
  int64_t begin(int64_t block) const;
  const VisitPlan& plan() const { return plan_; }

 private:
  VisitPlan plan_;
  int64_t per_block_;  ///< images
  bool shuffled_;
  uint64_t seed_;
  int64_t epoch_;
  IndexPermutation rows_;    ///< of all rows, for one block
  IndexPermutation images_;  ///< for several
};

}  // namespace saev

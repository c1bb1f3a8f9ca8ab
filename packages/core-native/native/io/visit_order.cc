#include "io/visit_order.h"

#include <algorithm>

namespace saev {

IndexPermutation epoch_order(int64_t length, uint64_t seed, int64_t epoch) {
  return {length, mix64(seed) ^ mix64(static_cast<uint64_t>(epoch) + 0x9e3779b97f4a7c15ULL)};
}

VisitOrder::VisitOrder(VisitPlan plan, bool shuffled, uint64_t seed, int64_t epoch)
    : plan_(plan),
      per_block_(plan.one_block() ? std::max<int64_t>(plan.n_images, 1) : plan.images_per_block),
      shuffled_(shuffled),
      seed_(seed),
      epoch_(epoch),
      rows_(epoch_order(std::max<int64_t>(plan.length(), 1), seed, epoch)),
      images_(epoch_order(std::max<int64_t>(plan.n_images, 1), mix64(seed + 1), epoch)) {}

int64_t VisitOrder::begin(int64_t block) const {
  return block * per_block_ * plan_.rows_per_image;
}

int64_t VisitOrder::images_in(int64_t block) const {
  return std::min(per_block_, plan_.n_images - block * per_block_);
}

int64_t VisitOrder::image(int64_t block, int64_t slot) const {
  const int64_t at = block * per_block_ + slot;
  return shuffled_ && !plan_.one_block() ? images_(at) : at;
}

VisitOrder::Place VisitOrder::place(int64_t position) const {
  const int64_t block = position / (per_block_ * plan_.rows_per_image);
  const int64_t offset = position - begin(block);
  if (!shuffled_) return {block, offset};
  if (plan_.one_block()) return {block, rows_(offset)};
  // The keys of a block are those of an epoch of its own seed.
  const IndexPermutation within = epoch_order(images_in(block) * plan_.rows_per_image,
                                              seed_ ^ mix64(static_cast<uint64_t>(block) + 1), epoch_);
  return {block, within(offset)};
}

int64_t VisitOrder::operator()(int64_t position) const {
  if (plan_.one_block()) return shuffled_ ? rows_(position) : position;
  const Place p = place(position);
  const int64_t slot = p.local / plan_.rows_per_image;
  return image(p.block, slot) * plan_.rows_per_image + p.local % plan_.rows_per_image;
}

}  // namespace saev

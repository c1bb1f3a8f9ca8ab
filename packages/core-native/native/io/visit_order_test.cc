#include "io/visit_order.h"

#include <cmath>
#include <set>
#include <vector>

#include "test/check.h"

using saev::epoch_order;
using saev::VisitOrder;
using saev::VisitPlan;

TEST(visit_order_visits_each_row_once_and_keeps_to_its_blocks) {
  for (const VisitPlan plan : {VisitPlan{10, 3, 4}, VisitPlan{12, 5, 4}, VisitPlan{7, 1, 1},
                               VisitPlan{9, 4, 0}, VisitPlan{9, 4, 9}}) {
    for (const bool shuffled : {false, true}) {
      const VisitOrder order(plan, shuffled, 42, 3);
      std::vector<int> seen(static_cast<size_t>(plan.length()));
      std::set<int64_t> images;
      for (int64_t block = 0; block < plan.n_blocks(); ++block) {
        std::set<int64_t> here;
        for (int64_t slot = 0; slot < order.images_in(block); ++slot) here.insert(order.image(block, slot));
        images.insert(here.begin(), here.end());
        const int64_t end = order.begin(block) + order.images_in(block) * plan.rows_per_image;
        for (int64_t at = order.begin(block); at < end; ++at) {
          const int64_t row = order(at);
          CHECK(row >= 0 && row < plan.length());
          CHECK(here.count(row / plan.rows_per_image) == 1);
          CHECK(order.place(at).block == block);
          if (!shuffled) CHECK(row == at);
          seen[static_cast<size_t>(row)]++;
        }
      }
      for (const int times : seen) CHECK(times == 1);
      CHECK(static_cast<int64_t>(images.size()) == plan.n_images);
    }
  }
}

TEST(visit_order_of_one_block_is_the_order_of_all_rows) {
  const VisitOrder order({20, 7, 0}, true, 5, 2);
  const auto all = epoch_order(140, 5, 2);
  for (int64_t i = 0; i < 140; ++i) CHECK(order(i) == all(i));
}

// Rows must be uncorrelated with their positions, and neighbours in time must come from different images:
// over 40,000 rows both correlations have a standard deviation of 1/√n; rows of a block of 100 images meet
// one of their own image next with probability 1 in 100.
TEST(visit_order_in_blocks_looks_random) {
  const VisitPlan plan{1000, 40, 100};
  const VisitOrder order(plan, true, 1, 0), next(plan, true, 1, 1);
  const int64_t n = plan.length();
  double with_position = 0, square = 0;
  int same_image = 0, same_as_next_epoch = 0;
  const double centre = (static_cast<double>(n) - 1) / 2;
  for (int64_t i = 0; i < n; ++i) {
    const double row = static_cast<double>(order(i)) - centre;
    with_position += row * (static_cast<double>(i) - centre);
    square += row * row;
    if (i > 0 && order(i) / 40 == order(i - 1) / 40) ++same_image;
    if (order(i) == next(i)) ++same_as_next_epoch;
  }
  // Images, not rows, are drawn for the blocks: the deviation is that of 1000 images.
  CHECK(std::fabs(with_position / square) < 5 / std::sqrt(1000));
  CHECK(std::fabs(same_image - 400.0) < 100);  // 5 standard deviations
  CHECK(same_as_next_epoch < 10);              // 1 is expected
}

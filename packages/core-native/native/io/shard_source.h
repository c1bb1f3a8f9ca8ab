#pragma once
// Batches of rows from shards, in order or shuffled: gathered, clamped, centred and scaled in one pass.

#include <memory>
#include <string>

#include "io/batch_source.h"
#include "io/row_view.h"
#include "io/scaling.h"
#include "io/visit_order.h"

namespace saev {

enum class Order {
  kOrdered,   ///< as on disk
  kShuffled,  ///< every row once an epoch, each epoch in another order
};

class ShardSource final : public BatchSource {
 public:
  /// @param images_per_block images whose rows are shuffled together; 0: all rows are (visit_order.h).
  ShardSource(std::shared_ptr<const ShardReader> shards, std::shared_ptr<const RowView> rows, Scaling scaling,
              Order order, uint64_t seed, int threads, int64_t images_per_block = 0);

  int64_t dim() const override { return rows_->dim(); }
  int64_t length() const override { return rows_->length(); }
  int64_t next(Batch& batch, int64_t max_rows, const Job& job) override;
  void reset() override;
  std::string state() const override;
  void restore(const std::string& state) override;

  const Scaling& scaling() const { return scaling_; }

 private:
  VisitOrder order_of(int64_t epoch) const { return {plan_, order_ == Order::kShuffled, seed_, epoch}; }

  std::shared_ptr<const ShardReader> shards_;
  std::shared_ptr<const RowView> rows_;
  Scaling scaling_;
  Order order_;
  uint64_t seed_;
  int threads_;
  int64_t epoch_ = 0;
  int64_t position_ = 0;
  VisitPlan plan_;
  VisitOrder visit_;
};

}  // namespace saev

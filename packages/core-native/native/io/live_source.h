#pragma once
// Rows of images that go through the ViT while they are trained on: no shards. The order is that of
// ShardSource with the same images_per_block, so that a run comes out the same.

#include <memory>
#include <string>
#include <vector>

#include "io/batch_source.h"
#include "io/live_buffer.h"
#include "io/scaling.h"
#include "io/visit_order.h"

namespace saev {

struct LiveOptions {
  RecordedShape shape;
  RowChoice choice;             ///< `left_out` is not used: `images` says which there are
  std::vector<int64_t> images;  ///< numbers of images in the dataset, ascending
  int64_t n_all = 0;            ///< images of the dataset
  int64_t images_per_block = 0;
  bool shuffled = true;
  uint64_t seed = 0;
  int threads = 1;
  Scaling scaling;
};

class LiveSource final : public BatchSource {
 public:
  /// Throws kInvalidArgument for images that are not ascending numbers below n_all, and as RecordedRows does.
  explicit LiveSource(LiveOptions options);
  ~LiveSource() override { buffer_->close(); }

  /// What is to be filled for this source; see LiveBuffer. One block keeps its rows for good, of more than
  /// one two are in memory.
  const std::shared_ptr<LiveBuffer>& buffer() const { return buffer_; }

  int64_t dim() const override { return buffer_->rows().dim(); }
  int64_t length() const override { return plan_.length(); }
  int64_t next(Batch& batch, int64_t max_rows, const Job& job) override;
  void reset() override;
  std::string state() const override;
  void restore(const std::string& state) override;

  /// Computes mean and scalar as `request` asks, from rows of the first block: with one block the sample that
  /// ShardSource takes, else the first n_random_samples rows of the first epoch, at most the block.
  ScalingReport scale(const ScalingRequest& request, const Job& job);
  const Scaling& scaling() const { return options_.scaling; }

 private:
  VisitOrder order_of(int64_t epoch) const { return {plan_, options_.shuffled, options_.seed, epoch}; }
  /// The block, counted through all epochs, that the row at `position` lies in.
  int64_t block_at(int64_t position) const;

  LiveOptions options_;
  VisitPlan plan_;
  std::shared_ptr<LiveBuffer> buffer_;
  int64_t epoch_ = 0;
  int64_t position_ = 0;
  VisitOrder visit_;
};

}  // namespace saev

#pragma once
// Shuffled batches from data that does not fit in memory: chunks of 1 MiB are read in one go, as disks and
// network file systems like it, into a buffer out of which rows leave shuffled. While one half of the buffer
// is used up the other is filled.

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "io/batch_source.h"
#include "io/row_view.h"
#include "io/scaling.h"
#include "io/shuffle_windows.h"

namespace saev {

class ShuffleBufferSource final : public BatchSource {
 public:
  /// @param buffer_rows rows in memory at most, 2 or more; `buffer_rows · dim · 4` bytes
  ShuffleBufferSource(std::shared_ptr<const ShardReader> shards, std::shared_ptr<const RowView> rows,
                      Scaling scaling, int64_t buffer_rows, uint64_t seed, int threads);
  ~ShuffleBufferSource() override;

  int64_t dim() const override { return rows_->dim(); }
  int64_t length() const override { return rows_->length(); }
  int64_t next(Batch& batch, int64_t max_rows, const Job& job) override;
  void reset() override;
  std::string state() const override;
  void restore(const std::string& state) override;

 private:
  /// A window in memory.
  struct Window {
    int64_t epoch = -1;
    int64_t number = -1;
    std::vector<Chunk> chunks;
    AlignedArray<float> values;  ///< [rows, dim] as stored, in the order of the chunks
  };

  ShuffleWindows windows_of(int64_t epoch) const;
  Window read(int64_t epoch, int64_t number, AlignedArray<float> memory) const;
  void read_chunk(const Chunk& chunk, float* out) const;
  void read_ahead(int64_t epoch, int64_t number, AlignedArray<float> memory);
  /// Makes `window_` the one that the next row is in.
  void enter_window(const Job& job);
  void stop_reading();
  /// Rows [turn, turn + n) of the window into the batch, from its row `at` on.
  void emit(Batch& batch, int64_t at, int64_t turn, int64_t n) const;

  std::shared_ptr<const ShardReader> shards_;
  std::shared_ptr<const RowView> rows_;
  Scaling scaling_;
  int64_t buffer_rows_;
  int64_t chunk_rows_;
  uint64_t seed_;
  int threads_;
  int64_t epoch_ = 0;
  int64_t position_ = 0;
  ShuffleWindows windows_;  ///< of `epoch_`
  Window window_;
  std::atomic<bool> stop_{false};
  int64_t ahead_epoch_ = -1;  ///< which window `ahead_` reads
  int64_t ahead_number_ = -1;
  std::future<Window> ahead_;
};

}  // namespace saev

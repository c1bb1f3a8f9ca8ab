#include "io/shard_source.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/error.h"
#include "core/parallel.h"
#include "io/begin_batch.h"
#include "kernels/cpu/scale_row.h"

namespace saev {

namespace {

/// Rows come from memory in no order: the next one is on its way while this one is computed. `token` may be
/// null.
void prefetch_token(const void* token, int64_t bytes) {
  if (token == nullptr) return;
  constexpr int64_t kLine = 64;
  for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(static_cast<const char*>(token) + at);
}

}  // namespace

ShardSource::ShardSource(std::shared_ptr<const ShardReader> shards, std::shared_ptr<const RowView> rows,
                         Scaling scaling, Order order, uint64_t seed, int threads, int64_t images_per_block)
    : shards_(std::move(shards)),
      rows_(std::move(rows)),
      scaling_(std::move(scaling)),
      order_(order),
      seed_(seed),
      threads_(threads),
      plan_{rows_->length() / rows_->rows_per_image(), rows_->rows_per_image(), images_per_block},
      visit_(order_of(0)) {}

int64_t ShardSource::next(Batch& batch, int64_t max_rows, const Job& job) {
  const int64_t d = dim(), n = begin_batch(batch, *this, position_, max_rows, job);
  if (n == 0) {
    ++epoch_;
    position_ = 0;
    visit_ = order_of(epoch_);
    return 0;
  }

  constexpr int64_t kRowsPerTask = 256;
  const ScaleRow scale = scale_row();
  const float* mean = scaling_.act_mean.data();
  const int64_t bytes_of_row = d * bytes_of(shards_->layout().dtype);
  set_num_threads(threads_);
  parallel_tasks((n + kRowsPerTask - 1) / kRowsPerTask, [&](int64_t task, int) {
    const int64_t begin = task * kRowsPerTask, end = std::min(n, begin + kRowsPerTask);
    const auto locate = [&](int64_t i) {
      const int64_t position = position_ + i;
      return rows_->at(visit_(position));
    };
    Row row = locate(begin);
    const float* values = rows_->stored(row);
    for (int64_t i = begin; i < end; ++i) {
      const Row next_row = i + 1 < end ? locate(i + 1) : row;
      const float* next_values = i + 1 < end ? rows_->stored(next_row) : nullptr;
      float* out = batch.acts.data() + i * d;
      if (values == nullptr) {
        if (i + 1 < end) prefetch_token(rows_->token(next_row), bytes_of_row);
        rows_->read(row, out);
        values = out;
      }
      scale(values, next_values, mean, scaling_.clamp, scaling_.scalar, d, out);
      batch.index[static_cast<size_t>(i)] = row.index;
      batch.image_i[static_cast<size_t>(i)] = row.image_i;
      batch.patch_i[static_cast<size_t>(i)] = row.patch_i;
      row = next_row;
      values = next_values;
    }
  });
  // Afterwards: whatever was done to a shard before its rows were read is noticed before they are used.
  shards_->check_unchanged();
  shards_->check_read();
  position_ += n;
  batch.rows = n;
  return n;
}

void ShardSource::reset() {
  epoch_ = position_ = 0;
  visit_ = order_of(0);
}

// The state says what it belongs to, so that restoring it on other data is an error and not another order.
std::string ShardSource::state() const {
  return "shards 1 " + std::to_string(length()) + " " + std::to_string(seed_) + " " +
         std::to_string(static_cast<int>(order_)) + " " + std::to_string(epoch_) + " " +
         std::to_string(position_) + (plan_.one_block() ? "" : " " + std::to_string(plan_.images_per_block));
}

void ShardSource::restore(const std::string& state) {
  long long length = 0, epoch = 0, position = 0, block = 0;
  unsigned long long seed = 0;
  int order = 0;
  const int fields = std::sscanf(state.c_str(), "shards 1 %lld %llu %d %lld %lld %lld", &length, &seed,
                                 &order, &epoch, &position, &block);
  if (fields < 5 || epoch < 0 || position < 0 || position > length) {
    throw Error(Code::kBadFile, "loader state: expected what state() of a shard loader gave, found '" +
                                    state.substr(0, 60) + "'");
  }
  if (length != this->length() || order != static_cast<int>(order_) || seed != seed_) {
    throw Error(Code::kInvalidArgument, "loader state: it belongs to " + std::to_string(length) +
                                            " rows with seed " + std::to_string(seed) + "; this loader has " +
                                            std::to_string(this->length()) + " rows and seed " +
                                            std::to_string(seed_));
  }
  if (block != (plan_.one_block() ? 0 : plan_.images_per_block)) {
    throw Error(Code::kInvalidArgument,
                "loader state: it belongs to rows that are shuffled in blocks of another size (buffer)");
  }
  epoch_ = epoch;
  position_ = position;
  visit_ = order_of(epoch_);
}

}  // namespace saev

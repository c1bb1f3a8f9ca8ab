#include "io/shuffle_buffer_source.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/parallel.h"
#include "io/begin_batch.h"
#include "kernels/cpu/scale_row.h"

namespace saev {
namespace {

/// Disks and network file systems reach their rate with requests of about this size.
constexpr int64_t kChunkBytes = 1 << 20;
/// Chunks that are asked of the disk before the first of them is copied.
constexpr int64_t kChunksAhead = 16;
/// Chunks of a window at least, where the buffer is small: rows of few chunks would be mixed badly.
constexpr int64_t kChunksPerWindow = 32;

int64_t chunk_rows(int64_t buffer_rows, int64_t dim) {
  const int64_t wanted = std::max<int64_t>(1, kChunkBytes / (dim * static_cast<int64_t>(sizeof(float))));
  return std::clamp<int64_t>(wanted, 1, std::max<int64_t>(1, buffer_rows / 2 / kChunksPerWindow));
}

}  // namespace

ShuffleBufferSource::ShuffleBufferSource(std::shared_ptr<const ShardReader> shards,
                                         std::shared_ptr<const RowView> rows, Scaling scaling,
                                         int64_t buffer_rows, uint64_t seed, int threads)
    : shards_(std::move(shards)),
      rows_(std::move(rows)),
      scaling_(std::move(scaling)),
      buffer_rows_(buffer_rows),
      chunk_rows_(chunk_rows(buffer_rows, rows_->dim())),
      seed_(seed),
      threads_(threads),
      windows_(windows_of(0)) {
  if (buffer_rows < 2) throw Error(Code::kInvalidArgument, "buffer: expected at least 2 rows");
}

ShuffleBufferSource::~ShuffleBufferSource() {
  stop_reading();
}

ShuffleWindows ShuffleBufferSource::windows_of(int64_t epoch) const {
  return {length(), chunk_rows_, buffer_rows_ / 2, seed_, epoch};
}

void ShuffleBufferSource::read_chunk(const Chunk& chunk, float* out) const {
  const int64_t d = dim();
  for (int64_t i = 0; i < chunk.rows; ++i) {
    const Row row = rows_->at(chunk.begin + i);
    if (const float* values = rows_->stored(row)) {
      std::memcpy(out + i * d, values, static_cast<size_t>(d) * sizeof(float));
    } else {
      rows_->read(row, out + i * d);
    }
  }
}

ShuffleBufferSource::Window ShuffleBufferSource::read(int64_t epoch, int64_t number,
                                                      AlignedArray<float> memory) const {
  const ShuffleWindows windows = windows_of(epoch);
  Window window{
      .epoch = epoch, .number = number, .chunks = windows.chunks(number), .values = std::move(memory)};
  const auto size = static_cast<size_t>(windows.rows(number) * dim());
  if (window.values.size() < size) window.values = AlignedArray<float>(size);

  const auto& chunks = window.chunks;
  const auto n = static_cast<int64_t>(chunks.size());
  const auto advise = [&](int64_t i, PageAdvice advice) {
    if (i < n) rows_->advise(chunks[i].begin, chunks[i].rows, advice);
  };
  for (int64_t i = 0; i < kChunksAhead; ++i) advise(i, PageAdvice::kWillNeed);
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&] {
    try {
      for (int64_t i = next++; i < n && !stop_.load(std::memory_order_relaxed); i = next++) {
        advise(i + kChunksAhead, PageAdvice::kWillNeed);
        read_chunk(chunks[i], window.values.data() + i * chunk_rows_ * dim());
        // What was copied need not stay mapped: otherwise the process would seem to hold the whole dataset.
        advise(i, PageAdvice::kDone);
      }
    } catch (...) {
      next = n;
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  // Threads of its own: libtorch's belong to the training step that goes on meanwhile.
  std::vector<std::jthread> others;
  for (int i = 1; i < threads_; ++i) others.emplace_back(work);
  work();
  others.clear();
  if (failure) std::rethrow_exception(failure);
  return window;
}

void ShuffleBufferSource::read_ahead(int64_t epoch, int64_t number, AlignedArray<float> memory) {
  ahead_epoch_ = epoch;
  ahead_number_ = number;
  ahead_ = std::async(std::launch::async, [this, epoch, number, memory = std::move(memory)]() mutable {
    auto window = read(epoch, number, std::move(memory));
    shards_->check_unchanged();
    shards_->check_read();
    return window;
  });
}

void ShuffleBufferSource::stop_reading() {
  if (!ahead_.valid()) return;
  stop_ = true;
  ahead_.wait();
  ahead_ = {};
  stop_ = false;
  ahead_epoch_ = -1;
}

void ShuffleBufferSource::enter_window(const Job& job) {
  const int64_t number = windows_.window_at(position_);
  if (window_.epoch == epoch_ && window_.number == number) return;
  if (ahead_epoch_ != epoch_ || ahead_number_ != number) stop_reading();
  if (!ahead_.valid()) read_ahead(epoch_, number, std::exchange(window_, {}).values);
  // A slow disk must not hold up an abort; what is being read stays for the next call.
  while (ahead_.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) job.check_abort();
  Window used = std::exchange(window_, ahead_.get());
  const bool last = number + 1 == windows_.count();
  read_ahead(last ? epoch_ + 1 : epoch_, last ? 0 : number + 1, std::move(used.values));
}

void ShuffleBufferSource::emit(Batch& batch, int64_t at, int64_t turn, int64_t n) const {
  constexpr int64_t kRowsPerTask = 256;
  const int64_t d = dim();
  const ScaleRow scale = scale_row();
  const IndexPermutation order = windows_.order(window_.number);
  set_num_threads(threads_);
  parallel_tasks((n + kRowsPerTask - 1) / kRowsPerTask, [&](int64_t task, int) {
    const int64_t begin = task * kRowsPerTask, end = std::min(n, begin + kRowsPerTask);
    int64_t place = order(turn + begin);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t next = i + 1 < end ? order(turn + i + 1) : place;
      const Chunk& chunk = window_.chunks[static_cast<size_t>(place / chunk_rows_)];
      const Row row = rows_->at(chunk.begin + place % chunk_rows_);
      const float* values = window_.values.data();
      scale(values + place * d, values + next * d, scaling_.act_mean.data(), scaling_.clamp, scaling_.scalar,
            d, batch.acts.data() + (at + i) * d);
      batch.index[static_cast<size_t>(at + i)] = row.index;
      batch.image_i[static_cast<size_t>(at + i)] = row.image_i;
      batch.patch_i[static_cast<size_t>(at + i)] = row.patch_i;
      place = next;
    }
  });
}

int64_t ShuffleBufferSource::next(Batch& batch, int64_t max_rows, const Job& job) {
  const int64_t n = begin_batch(batch, *this, position_, max_rows, job);
  if (n == 0) {
    ++epoch_;
    position_ = 0;
    windows_ = windows_of(epoch_);
    return 0;
  }
  const int64_t begin = position_;
  try {
    for (int64_t done = 0; done < n;) {
      enter_window(job);
      const int64_t first = windows_.begin(window_.number);
      const int64_t turn = position_ - first;
      const int64_t rows = std::min(n - done, windows_.rows(window_.number) - turn);
      emit(batch, done, turn, rows);
      done += rows;
      position_ += rows;
    }
  } catch (...) {
    position_ = begin;  // an abort between two windows must not lose the rows before it
    throw;
  }
  batch.rows = n;
  return n;
}

void ShuffleBufferSource::reset() {
  stop_reading();
  epoch_ = position_ = 0;
  windows_ = windows_of(0);
}

std::string ShuffleBufferSource::state() const {
  return "buffer 1 " + std::to_string(length()) + " " + std::to_string(seed_) + " " +
         std::to_string(buffer_rows_) + " " + std::to_string(epoch_) + " " + std::to_string(position_);
}

void ShuffleBufferSource::restore(const std::string& state) {
  long long length = 0, buffer = 0, epoch = 0, position = 0;
  unsigned long long seed = 0;
  const int fields = std::sscanf(state.c_str(), "buffer 1 %lld %llu %lld %lld %lld", &length, &seed, &buffer,
                                 &epoch, &position);
  if (fields != 5 || epoch < 0 || position < 0 || position > length) {
    throw Error(Code::kBadFile,
                "loader state: expected what state() of a loader with a shuffle buffer gave, found '" +
                    state.substr(0, 60) + "'");
  }
  if (length != this->length() || buffer != buffer_rows_ || seed != seed_) {
    throw Error(Code::kInvalidArgument,
                "loader state: it belongs to " + std::to_string(length) + " rows, a buffer of " +
                    std::to_string(buffer) + " and seed " + std::to_string(seed) + "; this loader has " +
                    std::to_string(this->length()) + " rows, a buffer of " + std::to_string(buffer_rows_) +
                    " and seed " + std::to_string(seed_));
  }
  stop_reading();
  epoch_ = epoch;
  position_ = position;
  windows_ = windows_of(epoch_);
}

}  // namespace saev

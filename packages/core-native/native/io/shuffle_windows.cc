#include "io/shuffle_windows.h"

#include <algorithm>

namespace saev {

ShuffleWindows::ShuffleWindows(int64_t length, int64_t chunk_rows, int64_t window_rows, uint64_t seed,
                               int64_t epoch)
    : length_(length),
      chunk_rows_(chunk_rows),
      per_window_(std::max<int64_t>(1, window_rows / chunk_rows)),
      seed_(mix64(seed) ^ mix64(static_cast<uint64_t>(epoch) + 0x632be59bd9b4e019ULL)),
      chunks_((length + chunk_rows - 1) / chunk_rows, seed_) {
  missing_ = chunks_.size() * chunk_rows - length;
  int64_t turn = 0;
  if (missing_ > 0) {
    while (chunks_(turn) != chunks_.size() - 1) ++turn;
  }
  short_window_ = turn / per_window_;
}

int64_t ShuffleWindows::begin(int64_t window) const {
  const int64_t full = std::min(window * per_window_, chunks_.size()) * chunk_rows_;
  return window > short_window_ ? full - missing_ : full;
}

int64_t ShuffleWindows::window_at(int64_t position) const {
  // Without the missing rows it would be a division; with them it is that window or the next.
  const int64_t guess = position / (per_window_ * chunk_rows_);
  return position >= begin(guess + 1) ? guess + 1 : guess;
}

std::vector<Chunk> ShuffleWindows::chunks(int64_t window) const {
  std::vector<Chunk> out;
  const int64_t end = std::min((window + 1) * per_window_, chunks_.size());
  for (int64_t turn = window * per_window_; turn < end; ++turn) {
    const int64_t begin = chunks_(turn) * chunk_rows_;
    out.push_back({begin, std::min(chunk_rows_, length_ - begin)});
  }
  std::sort(out.begin(), out.end(), [](const Chunk& a, const Chunk& b) { return a.begin < b.begin; });
  return out;
}

}  // namespace saev

#include "io/shuffle_windows.h"

#include <cmath>
#include <vector>

#include "test/check.h"

namespace {

/// Row of the source at each turn of an epoch.
std::vector<int64_t> epoch(const saev::ShuffleWindows& windows, int64_t length) {
  std::vector<int64_t> out;
  for (int64_t w = 0; w < windows.count(); ++w) {
    const auto chunks = windows.chunks(w);
    const auto order = windows.order(w);
    for (int64_t turn = 0; turn < windows.rows(w); ++turn) {
      const int64_t place = order(turn);
      out.push_back(chunks[place / windows.chunk_rows()].begin + place % windows.chunk_rows());
      CHECK(windows.window_at(static_cast<int64_t>(out.size()) - 1) == w);
    }
  }
  CHECK(static_cast<int64_t>(out.size()) == length);
  return out;
}

}  // namespace

TEST(shuffle_windows_visit_each_row_once) {
  for (const int64_t length : {1, 2, 7, 64, 1000, 12345}) {
    for (const int64_t chunk : {1, 3, 10, 341, 100000}) {
      for (const int64_t window : {1, 4, 1000, 1000000}) {
        for (const uint64_t seed : {0, 1, 2}) {
          const saev::ShuffleWindows windows(length, chunk, window, seed, 3);
          std::vector<int> seen(static_cast<size_t>(length));
          for (const int64_t row : epoch(windows, length)) seen[static_cast<size_t>(row)]++;
          for (const int times : seen) CHECK(times == 1);
        }
      }
    }
  }
}

TEST(shuffle_windows_hold_what_fits) {
  const saev::ShuffleWindows windows(100000, 341, 5000, 7, 0);
  for (int64_t w = 0; w < windows.count(); ++w) CHECK(windows.rows(w) <= 5000);
  CHECK(windows.begin(windows.count()) == 100000);
}

TEST(shuffle_windows_of_other_epochs_and_seeds_differ) {
  const auto a = epoch({5000, 10, 500, 7, 0}, 5000);
  CHECK(a == epoch({5000, 10, 500, 7, 0}, 5000));
  CHECK(a != epoch({5000, 10, 500, 7, 1}, 5000));
  CHECK(a != epoch({5000, 10, 500, 8, 0}, 5000));
}

// What a buffer cannot hide is that a batch comes from few chunks; nothing else may be seen of the order on
// disk. Chunks are the unit of chance: with c of them a correlation has a standard deviation of at most 1/√c.
TEST(shuffle_windows_look_random) {
  for (const uint64_t seed : {0, 1, 2, 3}) {
    const int64_t n = 200000, chunk = 50, window = 20000, c = n / chunk;
    const saev::ShuffleWindows windows(n, chunk, window, seed, 0);
    const auto order = epoch(windows, n);
    double with_position = 0, with_next = 0, square = 0;
    const double centre = (static_cast<double>(n) - 1) / 2;
    int64_t same_chunk = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double row = static_cast<double>(order[i]) - centre;
      with_position += row * (static_cast<double>(i) - centre);
      with_next += row * (static_cast<double>(order[(i + 1) % n]) - centre);
      square += row * row;
      same_chunk += order[i] / chunk == order[(i + 1) % n] / chunk;
    }
    CHECK(std::fabs(with_position / square) < 5 / std::sqrt(c));
    CHECK(std::fabs(with_next / square) < 5 / std::sqrt(c));
    // Neighbours in a window of 400 chunks share theirs with a chance of 49/19999: 490 of 200,000, give or
    // take 22.
    CHECK(std::fabs(static_cast<double>(same_chunk) - 490) < 5 * 22.2);
  }
}

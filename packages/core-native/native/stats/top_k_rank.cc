// A block's firings, latent by latent: totals, values, and the images that are among the best.
#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "stats/top_k.h"
#include "stats/top_k_block.h"

namespace saev {

void TopKAccumulator::process(const Block& block, int64_t first_latent, int64_t last_latent) {
  // This task's part of the batch, turned from rows to latents by a counting sort.
  const SparseBatch& f_x = block.f_x;
  const auto width = static_cast<size_t>(last_latent - first_latent);
  const auto n_rows = static_cast<size_t>(block.end - block.begin);
  std::vector<int64_t> from(n_rows), to(n_rows), at(width + 1, 0);
  for (size_t r = 0; r < n_rows; ++r) {
    const auto row = static_cast<size_t>(block.begin) + r;
    const auto* begin = f_x.latent.data() + f_x.row_start[row];
    const auto* end = f_x.latent.data() + f_x.row_start[row + 1];
    const auto* lo = std::lower_bound(begin, end, static_cast<int32_t>(first_latent));
    const auto* hi = lo;
    for (; hi != end && *hi < last_latent; ++hi) ++at[static_cast<size_t>(*hi - first_latent) + 1];
    from[r] = lo - f_x.latent.data();
    to[r] = hi - f_x.latent.data();
  }
  for (size_t i = 0; i < width; ++i) at[i + 1] += at[i];
  std::vector<int32_t> rows(static_cast<size_t>(at[width]));
  std::vector<float> values(rows.size());
  std::vector<int64_t> next(at.begin(), at.end() - 1);
  for (size_t r = 0; r < n_rows; ++r) {
    for (int64_t e = from[r]; e < to[r]; ++e) {
      const auto slot =
          static_cast<size_t>(next[static_cast<size_t>(f_x.latent[static_cast<size_t>(e)] - first_latent)]++);
      rows[slot] = static_cast<int32_t>(r);
      values[slot] = f_x.value[static_cast<size_t>(e)];
    }
  }
  for (size_t i = 0; i < width; ++i) {
    const auto begin = static_cast<size_t>(at[i]), n = static_cast<size_t>(at[i + 1] - at[i]);
    rank(block, first_latent + static_cast<int64_t>(i), std::span(rows).subspan(begin, n),
         std::span(values).subspan(begin, n));
  }
}

void TopKAccumulator::rank(const Block& block, int64_t latent, std::span<const int32_t> rows,
                           std::span<const float> values) {
  const auto l = static_cast<size_t>(latent);
  LatentTotals& totals = totals_[l];
  float* distribution =
      latent < options_.n_distributions ? distributions_.data() + latent * columns_ : nullptr;
  for (size_t e = 0; e < rows.size(); ++e) {
    totals.sum += static_cast<double>(values[e]);
    values_[l].add(values[e]);
    if (distribution != nullptr) {
      const int64_t column = block.column_of_row[static_cast<size_t>(rows[e])];
      if (column >= 0) distribution[column] = values[e];
    }
  }
  totals.firings += static_cast<int64_t>(rows.size());

  auto& heap = top_[l];
  // Silent images score 0. Their numbers only grow, so none gets in once the worst entry scores 0 or more.
  auto offer_silent = [&](size_t from, size_t until) {
    for (size_t i = from; i < until; ++i) {
      if (static_cast<int64_t>(heap.size()) >= options_.top_k && heap.front().score >= 0) return;
      TopImage silent;
      silent.image = block.images[i];
      offer(latent, std::move(silent));
    }
  };
  size_t next_image = 0;
  std::vector<int32_t> patches;
  for (size_t e = 0; e < rows.size();) {
    const auto image = static_cast<size_t>(block.image_of_row[static_cast<size_t>(rows[e])]);
    offer_silent(next_image, image);
    next_image = image + 1;
    size_t end = e;
    double sum = 0;
    size_t strongest = e;
    for (; end < rows.size() &&
           static_cast<size_t>(block.image_of_row[static_cast<size_t>(rows[end])]) == image;
         ++end) {
      sum += static_cast<double>(values[end]);
      if (values[end] > values[strongest]) strongest = end;
    }
    if (examples_.wanted()) {
      patches.clear();
      for (size_t i = e; i < end; ++i) patches.push_back(block.patch_of_row[static_cast<size_t>(rows[i])]);
      examples_.fires(latent, static_cast<int64_t>(image), patches, values.subspan(e, end - e));
    }
    const auto n = static_cast<int32_t>(end - e);
    const bool all_fire = n == block.rows_of_image[image];
    TopImage candidate;
    candidate.image = block.images[image];
    // With every firing patch below 0, a silent one is the strongest.
    const bool silent_wins = values[strongest] < 0 && !all_fire;
    const double largest = silent_wins ? 0.0 : static_cast<double>(values[strongest]);
    candidate.score = options_.sort_by == SortBy::kPatch ? largest : sum;
    if (static_cast<int64_t>(heap.size()) < options_.top_k || candidate.better_than(heap.front())) {
      if (options_.sort_by != SortBy::kCls) {
        candidate.top_patch = block.patch_of_row[static_cast<size_t>(rows[strongest])];
        if (silent_wins) {
          int32_t quiet = 0;  // firing patches come in order: the first gap is the first silent patch
          for (size_t i = e; i < end && block.patch_of_row[static_cast<size_t>(rows[i])] == quiet; ++i)
            ++quiet;
          candidate.top_patch = quiet;
        }
        candidate.n_active = n;
        candidate.active = std::make_unique_for_overwrite<PatchValue[]>(static_cast<size_t>(n));
        for (size_t i = e; i < end; ++i) {
          candidate.active[i - e] = {block.patch_of_row[static_cast<size_t>(rows[i])], values[i]};
        }
      }
      offer(latent, std::move(candidate));
    }
    e = end;
  }
  offer_silent(next_image, block.images.size());
}

void TopKAccumulator::offer(int64_t latent, TopImage&& candidate) {
  auto& heap = top_[static_cast<size_t>(latent)];
  if (static_cast<int64_t>(heap.size()) < options_.top_k) {
    heap.push_back(std::move(candidate));
  } else if (candidate.better_than(heap.front())) {
    std::pop_heap(heap.begin(), heap.end(), worse_in_front);
    heap.back() = std::move(candidate);
  } else {
    return;
  }
  std::push_heap(heap.begin(), heap.end(), worse_in_front);
}

}  // namespace saev

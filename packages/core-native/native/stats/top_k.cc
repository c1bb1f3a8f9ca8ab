#include "stats/top_k.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "core/parallel.h"
#include "stats/top_k_block.h"

namespace saev {
namespace {

constexpr int64_t kMaxLatents = int64_t{1} << 24;

Error invalid(const std::string& message) {
  return {Code::kInvalidArgument, message};
}

void append_rows(SparseBatch& to, const SparseBatch& from, int64_t begin, int64_t end) {
  if (to.row_start.empty()) to.row_start.push_back(0);
  to.d_sae = from.d_sae;
  const auto first = from.row_start[static_cast<size_t>(begin)],
             last = from.row_start[static_cast<size_t>(end)];
  const int64_t shift = to.row_start.back() - first;
  for (int64_t r = begin; r < end; ++r)
    to.row_start.push_back(from.row_start[static_cast<size_t>(r + 1)] + shift);
  to.latent.insert(to.latent.end(), from.latent.begin() + first, from.latent.begin() + last);
  to.value.insert(to.value.end(), from.value.begin() + first, from.value.begin() + last);
  to.rows += end - begin;
}

}  // namespace

TopKAccumulator::TopKAccumulator(TopKOptions options)
    : options_(options), sampler_(0, 0, 0), examples_({}, 0, 0, 0) {
  if (options.d_sae < 1 || options.d_sae > kMaxLatents) {
    throw invalid("d_sae: expected 1 to 16777216, found " + std::to_string(options.d_sae));
  }
  if (options.top_k < 1 || options.top_k > INT32_MAX) {
    throw invalid("top_k: expected 1 or more, found " + std::to_string(options.top_k));
  }
  if (options.patches < 1 || options.patches > INT32_MAX) throw invalid("patches: expected 1 or more");
  if (options.sort_by == SortBy::kCls && options.patches != 1) {
    throw invalid("sort_by = cls takes one row an image, found " + std::to_string(options.patches));
  }
  if (options.rows < 0 || options.n_distributions < 0)
    throw invalid("rows and n_distributions: expected 0 or more");
  options_.n_distributions = std::min(options.n_distributions, options.d_sae);
  columns_ = options_.rows;
  if (options_.n_distributions > 0) {
    const int64_t fit = options.max_distribution_bytes / 4 / options_.n_distributions;
    columns_ = std::min(columns_, std::max<int64_t>(1, fit));
  }
  sampler_ = RowSampler(options_.rows, columns_, options.seed);
  distributions_.assign(static_cast<size_t>(options_.n_distributions * columns_), 0.0F);
  const int64_t n_images = (options_.rows + options_.patches - 1) / options_.patches;
  examples_ = LatentExamples(options_.examples, options_.d_sae, n_images, options_.seed);
  const auto d_sae = static_cast<size_t>(options_.d_sae);
  top_.resize(d_sae);
  totals_.resize(d_sae);
  values_.resize(d_sae);
}

void TopKAccumulator::add(const SparseBatch& f_x, std::span<const int64_t> image_i,
                          std::span<const int64_t> patch_i) {
  if (finished_) throw invalid("these statistics are finished; begin new ones to add rows");
  const auto rows = static_cast<size_t>(f_x.rows);
  const bool patched = options_.sort_by != SortBy::kCls;
  if (f_x.d_sae != options_.d_sae) {
    throw Error(Code::kShapeMismatch, "expected latents of width " + std::to_string(options_.d_sae) +
                                          ", found " + std::to_string(f_x.d_sae));
  }
  if (image_i.size() != rows || (patched && patch_i.size() != rows)) {
    throw Error(Code::kShapeMismatch,
                "expected an image and a patch for each of " + std::to_string(rows) + " rows");
  }
  if (rows_ + pending_.rows + f_x.rows > options_.rows) {
    throw invalid("expected " + std::to_string(options_.rows) + " rows in all, found more");
  }
  for (size_t r = 0; r < rows; ++r) {
    const int64_t before = r > 0 ? image_i[r - 1] : last_image_;
    if (image_i[r] < 0 || image_i[r] < before || (!patched && image_i[r] == before)) {
      throw invalid("rows must come image by image in ascending order: image " + std::to_string(image_i[r]) +
                    " after image " + std::to_string(before));
    }
    if (patched && (patch_i[r] < 0 || patch_i[r] >= options_.patches)) {
      throw invalid("patch " + std::to_string(patch_i[r]) + " of image " + std::to_string(image_i[r]) +
                    " is not among the " + std::to_string(options_.patches) + " patches of an image");
    }
  }
  if (rows == 0) return;
  last_image_ = image_i[rows - 1];

  // An image is whole when another begins after it, or when it has all its patches.
  auto rows_at_end = [&](int64_t begin, int64_t end) {
    int64_t r = end;
    while (r > begin && image_i[static_cast<size_t>(r - 1)] == image_i[static_cast<size_t>(end - 1)]) --r;
    return end - r;
  };
  int64_t begin = 0;
  if (pending_.rows > 0) {
    while (begin < f_x.rows && image_i[static_cast<size_t>(begin)] == pending_image_.back()) ++begin;
    append_rows(pending_, f_x, 0, begin);
    pending_image_.insert(pending_image_.end(), image_i.begin(), image_i.begin() + begin);
    pending_patch_.insert(pending_patch_.end(), patch_i.begin(), patch_i.begin() + begin);
    if (begin < f_x.rows || pending_.rows >= options_.patches) {
      take(pending_, pending_image_, pending_patch_, 0, pending_.rows);
      pending_ = {};
      pending_image_.clear();
      pending_patch_.clear();
    }
  }
  int64_t end = f_x.rows;
  if (begin < end) {
    const int64_t tail = rows_at_end(begin, end);
    if (tail < options_.patches) end -= tail;
    if (begin < end) take(f_x, image_i, patch_i, begin, end);
    if (end < f_x.rows) {
      append_rows(pending_, f_x, end, f_x.rows);
      pending_image_.assign(image_i.begin() + end, image_i.end());
      if (patched) pending_patch_.assign(patch_i.begin() + end, patch_i.end());
    }
  }
}

void TopKAccumulator::take(const SparseBatch& f_x, std::span<const int64_t> image_i,
                           std::span<const int64_t> patch_i, int64_t begin, int64_t end) {
  Block block{f_x, begin, end, {}, {}, {}, {}, {}};
  for (int64_t r = begin; r < end; ++r) {
    const int64_t image = image_i[static_cast<size_t>(r)];
    if (block.images.empty() || block.images.back() != image) {
      block.images.push_back(image);
      block.rows_of_image.push_back(0);
    }
    ++block.rows_of_image.back();
    block.image_of_row.push_back(static_cast<int32_t>(block.images.size() - 1));
    block.patch_of_row.push_back(patch_i.empty() ? 0 : static_cast<int32_t>(patch_i[static_cast<size_t>(r)]));
    block.column_of_row.push_back(options_.n_distributions > 0 ? sampler_.next() : -1);
  }
  examples_.begin(block.images);
  const int64_t first = f_x.row_start[static_cast<size_t>(begin)],
                last = f_x.row_start[static_cast<size_t>(end)];
  for (int64_t e = first; e < last; ++e) {
    if (!std::isfinite(f_x.value[static_cast<size_t>(e)])) {
      const auto row =
          std::upper_bound(f_x.row_start.begin(), f_x.row_start.end(), e) - f_x.row_start.begin() - 1;
      throw Error(Code::kNumeric, "latent " + std::to_string(f_x.latent[static_cast<size_t>(e)]) +
                                      " of image " + std::to_string(image_i[static_cast<size_t>(row)]) +
                                      " is not finite; check the activations and the checkpoint");
    }
  }
  // Whether values are exact depends on how many there are in all, never on how they came in.
  n_values_ += last - first;
  if (!binned_ && n_values_ > options_.max_exact_values) {
    binned_ = true;
    for (auto& sketch : values_) sketch.bin();
  }

  // Each latent is one task's alone, and sees its rows in order: equal to the bit with any number of threads.
  const int64_t per_task =
      std::clamp<int64_t>(options_.d_sae / (4 * static_cast<int64_t>(num_threads())), 32, 512);
  const int64_t tasks = (options_.d_sae + per_task - 1) / per_task;
  parallel_tasks(tasks, [&](int64_t task, int) {
    process(block, task * per_task, std::min(options_.d_sae, (task + 1) * per_task));
  });
  rows_ += end - begin;
  images_ += static_cast<int64_t>(block.images.size());
}

void TopKAccumulator::finish() {
  if (finished_) return;
  if (rows_ + pending_.rows != options_.rows) {
    throw invalid("expected " + std::to_string(options_.rows) + " rows, found " +
                  std::to_string(rows_ + pending_.rows));
  }
  if (pending_.rows > 0) {
    take(pending_, pending_image_, pending_patch_, 0, pending_.rows);
    pending_ = {};
  }
  parallel_tasks(options_.d_sae, [&](int64_t latent, int) {
    auto& entries = top_[static_cast<size_t>(latent)];
    std::sort(entries.begin(), entries.end(), worse_in_front);
    values_[static_cast<size_t>(latent)].freeze();
  });
  finished_ = true;
}

int64_t TopKAccumulator::top_k() const {
  return std::min(options_.top_k, images_);
}

std::span<const TopImage> TopKAccumulator::top(int64_t latent) const {
  return top_[static_cast<size_t>(latent)];
}
const LatentTotals& TopKAccumulator::totals(int64_t latent) const {
  return totals_[static_cast<size_t>(latent)];
}
const ValueSketch& TopKAccumulator::values(int64_t latent) const {
  return values_[static_cast<size_t>(latent)];
}

float TopKAccumulator::percentile(int64_t latent, double p) const {
  if (!(p >= 0 && p <= 100)) throw invalid("percentile: expected 0 to 100, found " + std::to_string(p));
  if (rows_ == 0) return 0;
  const ValueSketch& sketch = values(latent);
  const auto rank = static_cast<int64_t>(std::ceil(p * static_cast<double>(rows_) / 100.0)) - 1;
  return sketch.select(std::clamp<int64_t>(rank, 0, rows_ - 1), rows_ - sketch.count());
}

}  // namespace saev

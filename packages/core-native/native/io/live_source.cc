#include "io/live_source.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/parallel.h"
#include "io/begin_batch.h"
#include "kernels/cpu/scale_row.h"

namespace saev {
namespace {

VisitPlan plan_of(const LiveOptions& o, const RecordedRows& rows) {
  const auto n = static_cast<int64_t>(o.images.size());
  for (int64_t i = 0; i < n; ++i) {
    const int64_t image = o.images[static_cast<size_t>(i)];
    if (image >= o.n_all || (i == 0 ? image < 0 : image <= o.images[static_cast<size_t>(i - 1)]))
      throw Error(Code::kInvalidArgument,
                  "images: expected ascending numbers of images below " + std::to_string(o.n_all));
  }
  if (n == 0) throw Error(Code::kInvalidArgument, "images: expected at least one");
  if (o.images_per_block < 0) throw Error(Code::kInvalidArgument, "imagesPerBlock: expected 0 (all) or more");
  int64_t floats = 0;
  if (__builtin_mul_overflow(o.n_all, rows.rows_per_image() * rows.dim(), &floats))
    throw Error(Code::kInvalidArgument, "images: so many activations cannot be counted");
  return {n, rows.rows_per_image(), o.images_per_block};
}

}  // namespace

LiveSource::LiveSource(LiveOptions options)
    : options_(std::move(options)),
      plan_(plan_of(options_, RecordedRows(options_.shape, options_.choice))),
      visit_(order_of(0)) {
  // By value: the buffer may outlive this source by the call that is filling it.
  const auto images_of = [images = options_.images, plan = plan_, shuffled = options_.shuffled,
                          seed = options_.seed](int64_t block) {
    const VisitOrder order(plan, shuffled, seed, block / plan.n_blocks());
    const int64_t within = block % plan.n_blocks();
    std::vector<int64_t> out(static_cast<size_t>(order.images_in(within)));
    for (size_t slot = 0; slot < out.size(); ++slot)
      out[slot] = images[static_cast<size_t>(order.image(within, static_cast<int64_t>(slot)))];
    return out;
  };
  const int64_t per_block = plan_.one_block() ? plan_.n_images : plan_.images_per_block;
  buffer_ = std::make_shared<LiveBuffer>(RecordedRows(options_.shape, options_.choice), per_block,
                                         plan_.one_block() ? 1 : 2, images_of);
}

int64_t LiveSource::block_at(int64_t position) const {
  if (plan_.one_block()) return 0;  // the same rows in each epoch
  const int64_t first = epoch_ * plan_.n_blocks();
  return first + (position >= length() ? plan_.n_blocks() : visit_.place(position).block);
}

int64_t LiveSource::next(Batch& batch, int64_t max_rows, const Job& job) {
  const int64_t d = dim(), per_image = plan_.rows_per_image;
  const int64_t n = begin_batch(batch, *this, position_, max_rows, job);
  if (n == 0) {
    ++epoch_;
    position_ = 0;
    visit_ = order_of(epoch_);
    return 0;
  }
  const ScaleRow scale = scale_row();
  const Scaling& scaling = options_.scaling;
  set_num_threads(options_.threads);
  // Only when all rows are there does this source move on: after an abort it stands where it stood.
  for (int64_t got = 0; got < n;) {
    const int64_t at = position_ + got, block = visit_.place(at).block;
    const int64_t end = visit_.begin(block) + visit_.images_in(block) * per_image;
    const int64_t m = std::min(n - got, end - at);
    buffer_->aim(block_at(at));
    const float* rows = buffer_->wait(block_at(at), job);
    constexpr int64_t kRowsPerTask = 256;
    parallel_tasks((m + kRowsPerTask - 1) / kRowsPerTask, [&](int64_t task, int) {
      for (int64_t i = task * kRowsPerTask; i < std::min(m, (task + 1) * kRowsPerTask); ++i) {
        const int64_t local = visit_.place(at + i).local;
        const int64_t ahead = i + 1 < m ? visit_.place(at + i + 1).local : local;
        const int64_t image = options_.images[static_cast<size_t>(visit_.image(block, local / per_image))];
        const auto out = static_cast<size_t>(got + i);
        scale(rows + local * d, rows + ahead * d, scaling.act_mean.data(), scaling.clamp, scaling.scalar, d,
              batch.acts.data() + (got + i) * d);
        batch.index[out] = image * per_image + local % per_image;
        batch.image_i[out] = image;
        batch.patch_i[out] = buffer_->rows().patch_of(local % per_image);
      }
    });
    got += m;
  }
  position_ += n;
  buffer_->aim(block_at(position_));  // the next block can be recorded while these rows are used
  batch.rows = n;
  return n;
}

ScalingReport LiveSource::scale(const ScalingRequest& request, const Job& job) {
  if (!request.compute_mean && !request.compute_scalar) return {};
  const int64_t d = dim(), per_image = plan_.rows_per_image;
  const VisitOrder first = order_of(0);
  std::vector<std::pair<int64_t, int64_t>> sample;  // index among all rows, place in the block
  if (plan_.one_block()) {
    const auto place = [&](int64_t index) {
      return std::ranges::lower_bound(options_.images, index / per_image) - options_.images.begin();
    };
    const auto is_present = [&](int64_t index) {
      const auto i = static_cast<size_t>(place(index));
      return i < options_.images.size() && options_.images[i] == index / per_image;
    };
    for (const int64_t index : sampled_rows(options_.n_all * per_image, request.n_random_samples, is_present))
      sample.emplace_back(index, place(index) * per_image + index % per_image);
  } else {
    const int64_t n = std::min(request.n_random_samples, first.images_in(0) * per_image);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t local = first.place(i).local;
      const int64_t image = options_.images[static_cast<size_t>(first.image(0, local / per_image))];
      sample.emplace_back(image * per_image + local % per_image, local);
    }
    std::ranges::sort(sample);
  }
  buffer_->aim(0);
  const float* rows = buffer_->wait(0, job);
  const SampledRows in_memory{
      static_cast<int64_t>(sample.size()), d,
      [&](int64_t i) {
        const int64_t index = sample[static_cast<size_t>(i)].first;
        return Row{index, index / per_image, buffer_->rows().patch_of(index % per_image), 0};
      },
      [&](int64_t i, float* out) { std::copy_n(rows + sample[static_cast<size_t>(i)].second * d, d, out); }};
  const ScalingReport report = compute_scaling(in_memory, request, options_.scaling, job);
  buffer_->aim(block_at(position_));
  return report;
}

void LiveSource::reset() {
  epoch_ = position_ = 0;
  visit_ = order_of(0);
  buffer_->aim(block_at(0));
}

std::string LiveSource::state() const {
  return "live 1 " + std::to_string(length()) + " " + std::to_string(options_.seed) + " " +
         std::to_string(static_cast<int>(options_.shuffled)) + " " + std::to_string(epoch_) + " " +
         std::to_string(position_) + " " + std::to_string(plan_.one_block() ? 0 : plan_.images_per_block);
}

void LiveSource::restore(const std::string& state) {
  long long length = 0, epoch = 0, position = 0, block = 0;
  unsigned long long seed = 0;
  int shuffled = 0;
  const int fields = std::sscanf(state.c_str(), "live 1 %lld %llu %d %lld %lld %lld", &length, &seed,
                                 &shuffled, &epoch, &position, &block);
  if (fields != 6 || epoch < 0 || epoch > (1LL << 31) || position < 0 || position > length) {
    throw Error(Code::kBadFile, "loader state: expected what state() of a live loader gave, found '" +
                                    state.substr(0, 60) + "'");
  }
  const int64_t own = plan_.one_block() ? 0 : plan_.images_per_block;
  if (length != this->length() || seed != options_.seed || (shuffled != 0) != options_.shuffled ||
      block != own) {
    throw Error(Code::kInvalidArgument,
                "loader state: it belongs to " + std::to_string(length) + " rows with seed " +
                    std::to_string(seed) + " in blocks of " + std::to_string(block) +
                    " images; this loader has " + std::to_string(this->length()) + " rows, seed " +
                    std::to_string(options_.seed) + " and blocks of " + std::to_string(own));
  }
  epoch_ = epoch;
  position_ = position;
  visit_ = order_of(epoch_);
  buffer_->aim(block_at(position_));
}

}  // namespace saev

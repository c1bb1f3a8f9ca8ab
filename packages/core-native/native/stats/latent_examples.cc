#include "stats/latent_examples.h"

#include <algorithm>

#include "core/error.h"
#include "core/mix64.h"

namespace saev {
LatentExamples::LatentExamples(const ExampleOptions& options, int64_t d_sae, int64_t n_images, uint64_t seed)
    : options_(options),
      seed_(seed),
      sampler_(n_images, std::max<int64_t>(0, options.images), seed),
      bytes_(0) {
  if (options.per_latent < 0 || options.images < 0 || options.per_latent > (int64_t{1} << 20) ||
      options.images > (int64_t{1} << 24)) {
    throw Error(Code::kInvalidArgument, "examples: expected 0 to 1048576 a latent and 0 to 16777216 images");
  }
  if (!wanted()) return;
  bytes_ = (std::min(options.images, n_images) + 7) / 8;
  examples_.resize(static_cast<size_t>(d_sae));
  counts_.assign(static_cast<size_t>(d_sae), 0);
  fired_.assign(static_cast<size_t>(d_sae * bytes_), 0);
}

void LatentExamples::begin(std::span<const int64_t> images) {
  if (!wanted()) return;
  images_.assign(images.begin(), images.end());
  slots_.clear();
  for (const int64_t image : images) {
    slots_.push_back(sampler_.next());
    if (slots_.back() >= 0) sampled_.push_back(image);
  }
}

void LatentExamples::fires(int64_t latent, int64_t i, std::span<const int32_t> patches,
                           std::span<const float> values) {
  if (!wanted()) return;
  const auto l = static_cast<size_t>(latent);
  const int64_t slot = slots_[static_cast<size_t>(i)];
  if (slot >= 0) fired_[l * static_cast<size_t>(bytes_) + static_cast<size_t>(slot / 8)] |= 1U << (slot % 8);
  const int64_t before = counts_[l]++;
  auto& kept = examples_[l];
  int64_t place = before;
  if (before >= options_.per_latent) {
    const uint64_t random = mix64(mix64(seed_ + static_cast<uint64_t>(latent) * 0x9e3779b97f4a7c15ULL) +
                                  static_cast<uint64_t>(before));
    place = static_cast<int64_t>(random % static_cast<uint64_t>(before + 1));
    if (place >= options_.per_latent) return;
  } else {
    kept.emplace_back();
  }
  LatentExample& example = kept[static_cast<size_t>(place)];
  const auto strongest = std::max_element(values.begin(), values.end()) - values.begin();
  example.image = images_[static_cast<size_t>(i)];
  example.value = values[static_cast<size_t>(strongest)];
  example.top_patch = patches[static_cast<size_t>(strongest)];
  example.patches.assign(patches.begin(), patches.end());
  example.values.assign(values.begin(), values.end());
}

}  // namespace saev

#pragma once
// Images that show where a latent's meaning stops: a uniform sample of all images in which it fires, not the
// strongest only; and, for a sample of all images, which latents fire in them.

#include <cstdint>
#include <span>
#include <vector>

#include "stats/row_sampler.h"

namespace saev {

struct ExampleOptions {
  int64_t per_latent = 0;  ///< images kept of those in which a latent fires; 0: no examples at all
  int64_t images = 0;      ///< images kept of all, for which latents fire together
};

/// An image in which a latent fires.
struct LatentExample {
  int64_t image = 0;
  float value = 0;        ///< of its strongest patch
  int32_t top_patch = 0;  ///< the first of equals
  std::vector<int32_t> patches;
  std::vector<float> values;  ///< of `patches`, those that fire, in order
};

/// Each latent's sample is a reservoir (Vitter 1985, algorithm R) whose random numbers come from the seed,
/// the latent and the count alone: the same on any number of threads and with any batches.
class LatentExamples {
 public:
  /// @param n_images how many images will come.
  LatentExamples(const ExampleOptions& options, int64_t d_sae, int64_t n_images, uint64_t seed);

  bool wanted() const { return options_.per_latent > 0; }
  /// Images in the order in which they come; before `fires` is called for them. Not from several threads.
  void begin(std::span<const int64_t> images);
  /// The latent fires in the i-th image of the last `begin`, at `patches` with `values` (one or more). From
  /// one thread for each latent.
  void fires(int64_t latent, int64_t i, std::span<const int32_t> patches, std::span<const float> values);

  int64_t d_sae() const { return static_cast<int64_t>(examples_.size()); }
  int64_t per_latent() const { return options_.per_latent; }
  /// Images in which the latent fires.
  int64_t count(int64_t latent) const { return counts_[static_cast<size_t>(latent)]; }
  /// At most `per_latent`, in no order that means anything.
  std::span<const LatentExample> examples(int64_t latent) const {
    return examples_[static_cast<size_t>(latent)];
  }
  /// The sample of all images, ascending.
  std::span<const int64_t> sampled() const { return sampled_; }
  /// Bits a latent: bit i of byte i / 8 is set when it fires in sampled()[i]. [d_sae, bytes_per_latent()].
  std::span<const uint8_t> fired() const { return fired_; }
  int64_t bytes_per_latent() const { return bytes_; }

 private:
  ExampleOptions options_;
  uint64_t seed_;
  RowSampler sampler_;
  int64_t bytes_;
  std::vector<int64_t> images_, slots_, sampled_;
  std::vector<int64_t> counts_;
  std::vector<std::vector<LatentExample>> examples_;
  std::vector<uint8_t> fired_;
};

}  // namespace saev

#include "stats/latent_examples.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "test/check.h"

namespace {

using namespace saev;

/// Latent 0 fires in every image, 1 in every tenth, 2 never; patch 3 is the strongest.
LatentExamples sampled(int64_t images, int64_t batch, int64_t per_latent, uint64_t seed) {
  LatentExamples out({per_latent, 100}, 3, images, seed);
  for (int64_t from = 0; from < images; from += batch) {
    std::vector<int64_t> block;
    for (int64_t i = from; i < std::min(images, from + batch); ++i) block.push_back(7 + i);
    out.begin(block);
    for (size_t i = 0; i < block.size(); ++i) {
      const std::vector<int32_t> patches = {1, 3, 8};
      const std::vector<float> values = {0.5F, static_cast<float>(block[i]), 0.25F};
      out.fires(0, static_cast<int64_t>(i), patches, values);
      if (block[i] % 10 == 0) out.fires(1, static_cast<int64_t>(i), patches, values);
    }
  }
  return out;
}

}  // namespace

TEST(latent_examples_hold_what_fires_and_count_it_all) {
  const LatentExamples found = sampled(1000, 37, 16, 1);
  CHECK(found.count(0) == 1000);
  CHECK(found.count(1) == 100);
  CHECK(found.count(2) == 0);
  CHECK(found.examples(0).size() == 16);
  CHECK(found.examples(2).empty());
  std::set<int64_t> once;
  for (const LatentExample& e : found.examples(1)) {
    CHECK(e.image % 10 == 0);
    CHECK(e.top_patch == 3);
    CHECK(e.value == static_cast<float>(e.image));
    CHECK((e.patches == std::vector<int32_t>{1, 3, 8}));
    once.insert(e.image);
  }
  CHECK(once.size() == 16);
  CHECK(found.sampled().size() == 100);
  for (size_t i = 0; i < 100; ++i) {
    auto bit = [&](size_t latent) {
      return (found.fired()[latent * static_cast<size_t>(found.bytes_per_latent()) + i / 8] >> (i % 8)) & 1;
    };
    CHECK(bit(0) == 1);
    CHECK(bit(1) == (found.sampled()[i] % 10 == 0));
    CHECK(bit(2) == 0);
  }
}

TEST(latent_examples_do_not_depend_on_batches) {
  const LatentExamples a = sampled(500, 1, 8, 3), b = sampled(500, 499, 8, 3);
  for (int64_t latent = 0; latent < 3; ++latent) {
    CHECK(a.examples(latent).size() == b.examples(latent).size());
    for (size_t i = 0; i < a.examples(latent).size(); ++i) {
      CHECK(a.examples(latent)[i].image == b.examples(latent)[i].image);
    }
  }
  CHECK(std::equal(a.fired().begin(), a.fired().end(), b.fired().begin()));
}

TEST(latent_examples_are_a_uniform_sample) {
  // Each of 50 images is kept with probability 10 / 50; over 4000 seeds that is 800 ± 25.
  std::vector<int> kept(50, 0);
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    const LatentExamples found = sampled(50, 50, 10, seed);
    for (const LatentExample& e : found.examples(0)) ++kept[static_cast<size_t>(e.image - 7)];
  }
  for (const int n : kept) CHECK(std::abs(n - 800) < 6 * 25);
}

#include "io/live_source.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "test/check.h"

using namespace saev;

namespace {

constexpr int64_t kLayers = 2, kTokens = 4, kD = 3;

/// What a ViT would give: a different value everywhere.
float value(int64_t image, int64_t layer, int64_t token, int64_t c) {
  return static_cast<float>(((image * kLayers + layer) * kTokens + token) * kD + c);
}

LiveOptions options(std::vector<int64_t> images, int64_t per_block) {
  LiveOptions o;
  o.shape = {kLayers, kTokens, kD, true};
  o.choice.layer = 1;
  o.n_all = 50;
  o.images = std::move(images);
  o.images_per_block = per_block;
  o.seed = 3;
  o.scaling.act_mean.assign(kD, 0.F);
  return o;
}

std::vector<int64_t> numbers(int64_t n) {
  std::vector<int64_t> out(static_cast<size_t>(n));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<int64_t>(i);
  return out;
}

/// Fills a buffer, some images at a time, until it is closed; counts the images.
struct Writer {
  explicit Writer(std::shared_ptr<LiveBuffer> b) : buffer(std::move(b)), thread([this] { run(); }) {}
  ~Writer() {
    buffer->close();
    thread.join();
  }
  void run() {
    while (const auto want = buffer->want(Job())) {
      const auto n = static_cast<int64_t>(want->images.size());
      for (int64_t first = 0; first < n; first += 2) {
        std::vector<float> tokens;
        const int64_t m = std::min<int64_t>(2, n - first);
        for (int64_t i = first; i < first + m; ++i)
          for (int64_t l = 0; l < kLayers; ++l)
            for (int64_t t = 0; t < kTokens; ++t)
              for (int64_t c = 0; c < kD; ++c)
                tokens.push_back(value(want->images[static_cast<size_t>(i)], l, t, c));
        recorded += m;
        if (!buffer->give(want->block, first, tokens.data(), m)) break;
      }
    }
  }
  std::shared_ptr<LiveBuffer> buffer;
  std::atomic<int64_t> recorded = 0;
  std::thread thread;
};

struct Seen {
  std::vector<int64_t> index;
  std::vector<float> acts;
};

void read(LiveSource& source, int64_t batch_rows, int64_t n_batches, Seen& seen) {
  Batch batch;
  for (int64_t i = 0; i < n_batches; ++i) {
    const int64_t rows = source.next(batch, batch_rows, Job());
    for (int64_t r = 0; r < rows; ++r) {
      const auto at = static_cast<size_t>(r);
      seen.index.push_back(batch.index[at]);
      CHECK(batch.image_i[at] == batch.index[at] / 3 && batch.patch_i[at] == batch.index[at] % 3);
      for (int64_t c = 0; c < kD; ++c) {
        const float found = batch.acts[static_cast<size_t>(r * kD + c)];
        CHECK(found == value(batch.image_i[at], 1, 1 + batch.patch_i[at], c));
        seen.acts.push_back(found);
      }
    }
  }
}

}  // namespace

TEST(live_source_yields_the_rows_of_each_image_once_an_epoch) {
  for (const int64_t per_block : {0, 1, 3, 5, 20}) {
    LiveSource source(options({1, 4, 5, 8, 9, 20, 21, 30, 31, 42, 49}, per_block));
    Writer writer(source.buffer());
    // 33 rows, 8 at a time: 5 batches and the end of the epoch; a batch spans several small blocks.
    Seen first, second;
    read(source, 8, 6, first);
    read(source, 8, 6, second);
    CHECK(first.index.size() == 33 && second.index.size() == 33);
    CHECK(first.index != second.index);
    std::sort(first.index.begin(), first.index.end());
    std::sort(second.index.begin(), second.index.end());
    CHECK(first.index == second.index);
    CHECK(std::adjacent_find(first.index.begin(), first.index.end()) == first.index.end());
    // All that fit the buffer are recorded once.
    if (per_block == 0 || per_block == 20) CHECK(writer.recorded == 11);
  }
}

TEST(live_source_goes_on_from_its_state_to_the_same_rows) {
  LiveSource a(options(numbers(13), 4)), b(options(numbers(13), 4));
  Writer writes_a(a.buffer()), writes_b(b.buffer());
  Seen skipped, expected, found;
  read(a, 7, 9, skipped);  // 39 rows an epoch: into the second
  const std::string state = a.state();
  read(a, 7, 8, expected);
  b.restore(state);
  read(b, 7, 8, found);
  CHECK(found.index == expected.index && found.acts == expected.acts);
  a.restore(state);  // and back, after its blocks are gone
  Seen again;
  read(a, 7, 8, again);
  CHECK(again.index == expected.index);
  LiveSource other(options(numbers(13), 5));
  CHECK_THROWS(other.restore(state), Code::kInvalidArgument);
  CHECK_THROWS(other.restore("live 1 39"), Code::kBadFile);
}

TEST(live_source_stands_still_when_it_is_aborted_and_tells_why_nothing_comes) {
  LiveSource source(options(numbers(6), 2));
  const auto flag = std::make_shared<std::atomic<bool>>(false);
  Batch batch;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    flag->store(true);
  });
  CHECK_THROWS(source.next(batch, 10, Job(flag, {})), Code::kAborted);
  later.join();
  {
    LiveSource whole(options(numbers(6), 2));
    Writer a(source.buffer()), b(whole.buffer());
    Seen x, y;
    read(source, 10, 3, x);
    read(whole, 10, 3, y);
    CHECK(x.index == y.index && x.index.size() == 18);
  }
  LiveSource failing(options(numbers(6), 2));
  failing.buffer()->fail(Error(Code::kBadFile, "cat.jpg is no picture"));
  CHECK_THROWS(failing.next(batch, 10, Job()), Code::kBadFile);
}

TEST(live_buffer_refuses_images_out_of_turn) {
  LiveSource source(options(numbers(6), 2));
  const std::vector<float> tokens(static_cast<size_t>(3 * kLayers * kTokens * kD));
  CHECK_THROWS(source.buffer()->give(0, 0, tokens.data(), 1), Code::kInvalidArgument);  // nobody asked
  const auto want = source.buffer()->want(Job());
  CHECK(want->block == 0 && want->images.size() == 2);
  CHECK_THROWS(source.buffer()->give(0, 1, tokens.data(), 1), Code::kInvalidArgument);
  CHECK_THROWS(source.buffer()->give(0, 0, tokens.data(), 3), Code::kInvalidArgument);
  CHECK(source.buffer()->give(0, 0, tokens.data(), 2));
  CHECK(!source.buffer()->give(7, 0, tokens.data(), 1));  // not wanted
  CHECK(source.buffer()->bytes() == 2 * 2 * 3 * kD * 4);
}

TEST(live_source_scales_by_a_sample_of_its_first_block) {
  LiveSource source(options(numbers(4), 0));
  Writer writer(source.buffer());
  const ScalingReport report = source.scale({true, true, 1000}, Job());
  CHECK(report.n_samples == 12);
  double mean = 0;
  for (int64_t image = 0; image < 4; ++image)
    for (int64_t patch = 1; patch < 4; ++patch) mean += value(image, 1, patch, 0);
  CHECK(source.scaling().act_mean[0] == static_cast<float>(mean / 12));
  CHECK(source.scaling().scalar > 0);
}

TEST(live_source_refuses_images_that_are_not_there) {
  CHECK_THROWS(LiveSource(options({}, 2)), Code::kInvalidArgument);
  CHECK_THROWS(LiveSource(options({3, 2}, 2)), Code::kInvalidArgument);
  CHECK_THROWS(LiveSource(options({50}, 2)), Code::kInvalidArgument);
  LiveOptions no_cls = options({1}, 0);
  no_cls.shape.cls_token = false;
  no_cls.choice.patches = Patches::kCls;
  CHECK_THROWS(LiveSource{no_cls}, Code::kInvalidArgument);
}

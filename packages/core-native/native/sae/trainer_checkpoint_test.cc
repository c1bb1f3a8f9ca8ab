#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "io/memory_source.h"
#include "sae/init.h"
#include "sae/trainer.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

constexpr int64_t kDim = 20, kRows = 700, kLatents = 52, kBatch = 64, kPatches = 5000;

std::vector<float> some_rows() {
  test::Random random(5);
  std::vector<float> x(static_cast<size_t>(kRows * kDim));
  random.fill(x.data(), kRows * kDim, 1);
  return x;
}

/// One of each: ReLU, BatchTopK with AuxK, Matryoshka, clipped gradients and a cosine, JumpReLU, Gated with
/// Muon.
std::vector<SaeTraining> kinds() {
  SaeTraining relu, batch, nested, clipped, jump, gated;
  for (SaeTraining* t : {&relu, &batch, &nested, &clipped, &jump, &gated}) {
    t->lr = 2e-3;
    t->n_lr_warmup = 20;
  }
  batch.activation = {Selection::kBatchTopK, 4, true, 0};
  batch.dead_threshold = 300;
  batch.aux.k = 8;
  nested.n_prefixes = 4;
  nested.sparsity_coeff = 1e-3;
  nested.n_sparsity_warmup = 30;
  clipped.grad_clip = 1e-2;
  clipped.decay = Decay::kCosine;
  clipped.n_steps = 70;
  jump.activation.selection = Selection::kJumpRelu;
  jump.penalty = Penalty::kL0;
  jump.bandwidth = 0.3;
  gated.activation.selection = Selection::kGated;
  gated.optimiser = Optimiser::kMuon;
  return {relu, batch, nested, clipped, jump, gated};
}

Trainer start() {
  Trainer trainer(kDim);
  int64_t seed = 0;
  for (const SaeTraining& t : kinds()) {
    Params params = initial_params(kDim, kLatents, static_cast<uint64_t>(seed++));
    if (t.activation.selection == Selection::kJumpRelu) params.threshold.assign(kLatents, 0.1f);
    if (t.activation.selection == Selection::kGated) {
      params.r_mag.assign(kLatents, 0.0f);
      params.b_mag.assign(kLatents, 0.0f);
    }
    trainer.add(params, t);
  }
  return trainer;
}

struct Folder {
  std::string path = std::filesystem::temp_directory_path() / ("saev-states-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(int64_t sae) const { return path + "/" + std::to_string(sae) + ".safetensors"; }
};

void save_all(Trainer& trainer, const Folder& to) {
  for (int64_t i = 0; i < trainer.size(); ++i) trainer.save(i, to.file(i), {{"mine", "a \"word\""}}, Job());
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The files of an undisturbed run.
std::vector<std::string> undisturbed(const Folder& folder, const std::vector<float>& x) {
  Trainer trainer = start();
  MemorySource source(x.data(), kRows, kDim, {});
  CHECK(trainer.run(source, {kPatches, kBatch, 0}, Job(), nullptr));
  save_all(trainer, folder);
  std::vector<std::string> out;
  for (int64_t i = 0; i < trainer.size(); ++i) out.push_back(bytes_of(folder.file(i)));
  return out;
}

}  // namespace

TEST(a_trainer_restored_anew_every_few_steps_ends_with_the_same_files) {
  const Folder folder;
  const auto x = some_rows();
  const auto expected = undisturbed(folder, x);
  int64_t lives = 0;
  for (bool ended = false; !ended; ++lives) {
    Trainer trainer = start();
    MemorySource source(x.data(), kRows, kDim, {});
    for (int64_t i = 0; lives > 0 && i < trainer.size(); ++i) trainer.restore(i, folder.file(i), Job());
    TrainRun run{kPatches, kBatch, 0};
    run.pause_every = 7;
    ended = trainer.run(source, run, Job(), nullptr);
    save_all(trainer, folder);
  }
  CHECK(lives > 8);
  for (size_t i = 0; i < expected.size(); ++i)
    CHECK(bytes_of(folder.file(static_cast<int64_t>(i))) == expected[i]);
}

TEST(an_abort_after_a_batch_was_read_does_not_lose_the_batch) {
  const Folder folder;
  const auto x = some_rows();
  const auto expected = undisturbed(folder, x);
  // The source raises the flag when it has handed out a batch: that batch must come again.
  struct Counting final : BatchSource {
    MemorySource inner;
    AbortFlag flag;
    explicit Counting(const std::vector<float>& x, AbortFlag f)
        : inner(x.data(), kRows, kDim, {}), flag(std::move(f)) {}
    int64_t dim() const override { return inner.dim(); }
    int64_t length() const override { return inner.length(); }
    int64_t next(Batch& batch, int64_t n, const Job&) override {
      const int64_t rows = inner.next(batch, n, Job());
      if (++calls % 5 == 0) *flag = true;
      return rows;
    }
    void reset() override { inner.reset(); }
    std::string state() const override { return inner.state(); }
    void restore(const std::string& s) override { inner.restore(s); }
    int64_t calls = 0;
  };
  auto flag = std::make_shared<std::atomic<bool>>(false);
  Counting source(x, flag);
  Trainer trainer = start();
  int64_t aborts = 0;
  for (;;) {
    try {
      trainer.run(source, {kPatches, kBatch, 0}, Job(flag, {}), nullptr);
      break;
    } catch (const Error& e) {
      CHECK(e.code() == Code::kAborted);
      *flag = false;
      ++aborts;
    }
  }
  CHECK(aborts > 10);
  save_all(trainer, folder);
  for (size_t i = 0; i < expected.size(); ++i)
    CHECK(bytes_of(folder.file(static_cast<int64_t>(i))) == expected[i]);
}

TEST(an_abort_between_two_saes_leaves_one_ahead_which_does_not_step_twice) {
  const Folder folder;
  const auto x = some_rows();
  const auto expected = undisturbed(folder, x);
  Trainer trainer = start();
  int64_t aborts = 0;
  bool ended = false;
  while (!ended) {
    // Aborted by another thread: after which SAE's turn it comes is left to chance, the outcome is not.
    auto flag = std::make_shared<std::atomic<bool>>(false);
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(300 + 137 * (aborts % 23)));
      *flag = true;
    });
    Trainer again = start();
    MemorySource source(x.data(), kRows, kDim, {});
    for (int64_t i = 0; aborts > 0 && i < again.size(); ++i) again.restore(i, folder.file(i), Job());
    int64_t logged = 0;
    try {
      ended = again.run(source, {kPatches, kBatch, 1}, Job(flag, {}),
                        [&](int64_t, const std::vector<SaeStep>&, int64_t) { ++logged; });
    } catch (const Error& e) {
      CHECK(e.code() == Code::kAborted);
    }
    stopper.join();
    save_all(again, folder);
    ++aborts;
  }
  for (size_t i = 0; i < expected.size(); ++i)
    CHECK(bytes_of(folder.file(static_cast<int64_t>(i))) == expected[i]);
}

TEST(gradients_first_makes_the_same_bits_and_can_stop_before_the_first_update) {
  const auto x = some_rows();
  TrainState plain(initial_params(kDim, kLatents, 0), true, active_level()),
      first(initial_params(kDim, kLatents, 0), true, active_level());
  StepScratch scratch;
  auto flag = std::make_shared<std::atomic<bool>>(false);
  const Job job(flag, {});
  StepOptions options;
  options.lr = 1e-3;
  options.sparsity_coeff = 1e-3;
  for (int i = 0; i < 4; ++i) {
    options.gradients_first = false;
    step(plain, x.data(), 300, options, scratch);
    options.gradients_first = true;
    step(first, x.data(), 300, options, scratch);
  }
  const Params a = plain.params(), b = first.params();
  CHECK(a.w_enc == b.w_enc && a.w_dec == b.w_dec && a.b_enc == b.b_enc && a.b_dec == b.b_dec);
  options.job = &job;
  const Blocking blocking = choose_blocking(first.density, first.level, first.layout.padded_sae(), 1);
  step_forward(first, x.data(), 300, options, blocking, scratch, nullptr);
  *flag = true;
  CHECK_THROWS(step_backward(first, 300, options, blocking, scratch, nullptr, nullptr), Code::kAborted);
  CHECK(first.t == 4 && first.params().w_enc == b.w_enc && first.params().w_dec == b.w_dec);
}

TEST(damaged_or_foreign_training_states_are_refused_and_change_nothing) {
  const Folder folder;
  const auto x = some_rows();
  Trainer trainer = start();
  MemorySource source(x.data(), kRows, kDim, {});
  TrainRun run{kPatches, kBatch, 0};
  run.pause_every = 5;
  trainer.run(source, run, Job(), nullptr);
  save_all(trainer, folder);
  const std::string good = bytes_of(folder.file(0));
  const std::string bad = folder.path + "/bad.safetensors";
  const auto put = [&](const std::string& bytes) { std::ofstream(bad, std::ios::binary) << bytes; };
  Trainer other = start();
  const Params before = other.params(0);
  test::Random random(11);
  for (int i = 0; i < 60; ++i) {
    std::string bytes = good;
    const auto at = static_cast<size_t>(random.uniform() * static_cast<double>(bytes.size()));
    if (i % 3 == 0) {
      bytes.resize(at);
    } else {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (i % 8)));
    }
    put(bytes);
    try {
      other.restore(0, bad, Job());
      test::fail(__FILE__, __LINE__, "a damaged file was read");
    } catch (const Error& e) {
      CHECK(e.code() == Code::kBadFile || e.code() == Code::kUnsupported || e.code() == Code::kShapeMismatch);
    }
  }
  CHECK(other.params(0).w_enc == before.w_enc && other.steps() == 0);
  Trainer smaller(kDim);
  smaller.add(initial_params(kDim, kLatents - 1, 0), {});
  CHECK_THROWS(smaller.restore(0, folder.file(0), Job()), Code::kShapeMismatch);
  CHECK_THROWS(other.restore(0, folder.path + "/none.safetensors", Job()), Code::kNotFound);
  other.restore(0, folder.file(0), Job());
  trainer.run(source, run, Job(), nullptr);
  trainer.save(1, bad, {}, Job());
  CHECK_THROWS(other.restore(1, bad, Job()), Code::kInvalidArgument);  // of a later step
}

}  // namespace saev

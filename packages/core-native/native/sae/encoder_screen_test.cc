// The screen must change nothing: the same lists as the float32 kernel, to the bit, on whatever rows.
#include "sae/encoder_screen.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>

#include "core/parallel.h"
#include "sae/encode.h"
#include "sae/encode_batch_top_k.h"
#include "sae/encode_top_k.h"
#include "test/check.h"
#include "test/random.h"

namespace saev {
namespace {

constexpr float kMax = std::numeric_limits<float>::max();

bool same_lists(const ActiveLists& a, const ActiveLists& b) {
  if (a.bounds != b.bounds) return false;
  for (int64_t i = 0; i < a.n_blocks; ++i) {
    const auto n = static_cast<size_t>(a.ptr(i, a.n_segments - 1)[kRowBlock]);
    const auto &x = a.blocks[static_cast<size_t>(i)], &y = b.blocks[static_cast<size_t>(i)];
    if (std::memcmp(x.value(), y.value(), n * sizeof(float)) != 0) return false;
    if (std::memcmp(x.index(), y.index(), n * sizeof(uint16_t)) != 0) return false;
  }
  return true;
}

/// Rows and weights of one case, in a level's layout.
struct RandomRows {
  Level level;
  int64_t rows;
  Layout layout;
  AlignedArray<float> x, w, bias;

  RandomRows(Level at, int64_t n, int64_t d_vit, int64_t d_sae)
      : level(at),
        rows(n),
        layout(d_vit, d_sae, at),
        x(static_cast<size_t>(n * d_vit)),
        w(static_cast<size_t>(layout.encoder_size())),
        bias(static_cast<size_t>(layout.padded_sae())) {}

  float* row(int64_t r) { return x.data() + r * layout.d_vit; }
  float* latent(int64_t j) { return w.data() + j * layout.row_stride(); }

  EncodeInput input() const {
    EncodeInput in;
    in.x = x.data();
    in.rows = rows;
    in.w_enc = w.data();
    in.b_enc = bias.data();
    return in;
  }
  void lists(float floor, const EncoderScreen* screen, ActiveLists& out,
             int64_t* candidates = nullptr) const {
    EncodeInput in = input();
    in.floor = floor;
    in.screen = screen;
    EncodeScratch scratch;
    encode(level, layout, in, 128, scratch, out);
    if (candidates) *candidates = screened_candidates(scratch);
  }
};

/// What a row is made of, besides `v` standard normal numbers; `kind` counts through all of them.
void spoil(float* v, int64_t n, int64_t kind, test::Random& random) {
  const auto one = [&] { return static_cast<int64_t>(random.bits() % static_cast<uint64_t>(n)); };
  const auto scale = [&](float by) {
    for (int64_t k = 0; k < n; ++k) v[k] *= by;
  };
  switch (kind % 19) {
    case 1:
      return scale(0);
    case 2:
      return scale(1e-30f);
    case 3:
      return scale(1e-43f);  // denormal
    case 4:
      return scale(1e12f);
    case 5:
      return scale(1e20f);
    case 6:
      return scale(1e37f);
    case 7:
      v[one()] = NAN;
      return;
    case 8:
      v[one()] = INFINITY;
      return;
    case 9:
      v[one()] = -INFINITY;
      v[one()] = INFINITY;
      return;
    case 10:  // an outlier
      v[one()] *= 300;
      return;
    case 11:
      v[one()] = kMax;
      return;
    case 12:  // small whole numbers: exact ties
      for (int64_t k = 0; k < n; ++k) v[k] = std::nearbyint(v[k]);
      return;
    case 13:  // one value alone
      for (int64_t k = 0, keep = one(); k < n; ++k) v[k] = k == keep ? v[k] : 0;
      return;
    case 14:  // all halfway between two whole numbers of the largest
      for (int64_t k = 0; k < n; ++k) v[k] = (v[k] > 0 ? 0.49999f : -0.50001f) + (k == 0 ? 106 : 0);
      return;
    case 15:  // of very different sizes
      for (int64_t k = 0; k < n; ++k) v[k] *= std::exp2(static_cast<float>(random.bits() % 60) - 30);
      return;
    case 16:
      return scale(1e-14f);
    case 17:  // all alike
      for (int64_t k = 0; k < n; ++k) v[k] = 1;
      return;
    case 18:  // large where 16-bit sums are made of: those columns of two are the same, and all add up
      for (int64_t k = one() / kScreenChunk * kScreenChunk, end = std::min(n, k + kScreenChunk); k < end; ++k)
        v[k] = k % 4 < 2 ? 50 : v[k];
      return;
    default:
      return;
  }
}

void for_each_form(const std::function<void(Level, const ScreenForm&)>& check) {
  for (Level level : available_levels()) {
    int n = 0;
    const ScreenForm* forms = screen_forms(level, &n);
    for (int i = 0; i < n; ++i) check(level, forms[i]);
  }
}

}  // namespace

TEST(screened_lists_are_the_float32_kernels_to_the_bit) {
  struct Shape {
    int64_t rows, d_vit, d_sae;
  };
  const Shape shapes[] = {{1, 1, 1},    {5, 17, 40},   {97, 64, 70},   {40, 200, 130},
                          {37, 33, 96}, {100, 47, 33}, {19, 768, 100}, {193, 130, 200}};
  for (const Shape& s : shapes) {
    for_each_form([&](Level level, const ScreenForm& form) {
      if (level == Level::kPlain && s.rows * s.d_vit > 8000) return;
      test::Random random(static_cast<uint64_t>(s.rows * 7 + s.d_vit));
      RandomRows batch(level, s.rows, s.d_vit, s.d_sae);
      for (int64_t r = 0; r < s.rows; ++r) {
        random.fill(batch.row(r), s.d_vit);
        spoil(batch.row(r), s.d_vit, r, random);
      }
      for (int64_t j = 0; j < s.d_sae; ++j) {
        random.fill(batch.latent(j), s.d_vit);
        spoil(batch.latent(j), s.d_vit, j / 2, random);
        const float biases[] = {0, -0.0f, -1, 1, -1e30f, 1e-40f, -1e-40f, -kMax, -INFINITY, 5};
        batch.bias[static_cast<size_t>(j)] = biases[j % 10];
      }
      ActiveLists all, plain, screened;
      batch.lists(-INFINITY, nullptr, all);
      // Floors at, just below and just above values that occur.
      std::vector<float> floors = {0, -INFINITY, 1, -1e-42f, kMax};
      const int64_t n = all.ptr(0, 0)[kRowBlock];
      for (int64_t i = 0; i < 12 && n > 0; ++i) {
        const float h = all.blocks[0].value()[static_cast<int64_t>(random.bits() % static_cast<uint64_t>(n))];
        floors.push_back(h);
        floors.push_back(std::nextafter(h, -INFINITY));
        floors.push_back(std::nextafter(h, INFINITY));
      }
      EncoderScreen screen;
      screen.prepare(level, batch.layout, batch.input(), &form);
      for (float floor : floors) {
        batch.lists(floor, nullptr, plain);
        batch.lists(floor, &screen, screened);
        if (!same_lists(plain, screened)) {
          test::fail(__FILE__, __LINE__,
                     std::string(form.name) + ", " + std::to_string(s.rows) + " × " +
                         std::to_string(s.d_vit) + " × " + std::to_string(s.d_sae) + ", floor " +
                         std::to_string(floor) + ": the screen lost or changed a value");
        }
      }
    });
  }
}

TEST(screen_holds_where_all_rounding_errors_add_up) {
  // Every weight is rounded the same way and every x has the same sign, so the error is what Cauchy–Schwarz
  // allows; biases leave h between 0 and a hundredth of that.
  for_each_form([](Level level, const ScreenForm& form) {
    const int64_t d_vit = 256, d_sae = 64;
    for (const float fraction : {0.49f, -0.49f}) {
      RandomRows batch(level, 30, d_vit, d_sae);
      test::Random random(3);
      for (int64_t r = 0; r < batch.rows; ++r) std::fill_n(batch.row(r), d_vit, r % 2 ? 1.0f : 0.01f);
      for (int64_t j = 0; j < d_sae; ++j) {
        for (int64_t k = 0; k < d_vit; ++k) {
          batch.latent(j)[k] = k == 0 ? 127.0f : static_cast<float>(random.bits() % 5) - 2 + fraction;
        }
        double sum = 0;
        for (int64_t k = 0; k < d_vit; ++k) sum += static_cast<double>(batch.latent(j)[k]);
        batch.bias[static_cast<size_t>(j)] = static_cast<float>(-sum * (j % 2 ? 1 : 0.01) + 0.5);
      }
      EncoderScreen screen;
      screen.prepare(level, batch.layout, batch.input(), &form);
      ActiveLists plain, screened;
      batch.lists(0, nullptr, plain);
      batch.lists(0, &screen, screened);
      CHECK(plain.nnz() > 0);
      CHECK(same_lists(plain, screened));
    }
  });
}

TEST(screen_makes_few_products_in_float32_and_columns_far_larger_than_others_do_not_spoil_it) {
  for (const float outlier : {1.0f, 80.0f}) {
    for_each_form([&](Level level, const ScreenForm& form) {
      const int64_t rows = level == Level::kPlain ? 10 : 192, d_vit = 512, d_sae = 256;
      RandomRows batch(level, rows, d_vit, d_sae);
      test::Random random(9);
      random.fill(batch.x.data(), rows * d_vit);
      for (int64_t j = 0; j < d_sae; ++j) random.fill(batch.latent(j), d_vit, 1 / std::sqrt(512.0f));
      // Four columns as large as those of real ViTs, whose weights training makes small.
      for (int64_t k = 7; k < d_vit; k += 130) {
        for (int64_t r = 0; r < rows; ++r) batch.row(r)[k] *= outlier;
        for (int64_t j = 0; j < d_sae; ++j) batch.latent(j)[k] /= outlier;
      }
      for (int64_t j = 0; j < d_sae; ++j) batch.bias[static_cast<size_t>(j)] = -2.457f;
      EncoderScreen screen;
      screen.prepare(level, batch.layout, batch.input(), &form);
      CHECK(screen.columns().size() == (outlier > 1 ? static_cast<size_t>(kScreenColumns) : 0));
      ActiveLists plain, screened;
      int64_t candidates = 0;
      batch.lists(0, nullptr, plain);
      batch.lists(0, &screen, screened, &candidates);
      CHECK(same_lists(plain, screened));
      // 0.7 % are active; of normal numbers 3 to 4 % come within the bound.
      CHECK(static_cast<double>(candidates) < 0.05 * static_cast<double>(rows * d_sae));
    });
  }
}

TEST(what_is_kept_of_the_largest_depends_neither_on_screen_nor_on_where_floors_began) {
  struct Case {
    int64_t rows, d_vit, d_sae, k;
    bool relu;
  };
  const Case cases[] = {{100, 64, 300, 7, true},
                        {100, 64, 300, 7, false},
                        {97, 40, 70, 70, false},
                        {30, 128, 500, 1, true},
                        {60, 200, 96, 20, true},
                        // Nine blocks, of which one thread takes four, two, … together.
                        {850, 40, 150, 7, false}};
  const int threads = num_threads();
  for (const Case& c : cases) {
    set_num_threads(c.rows > 800 ? 1 : threads);
    for_each_form([&](Level level, const ScreenForm& form) {
      if (level == Level::kPlain && c.d_vit > 64) return;
      test::Random random(static_cast<uint64_t>(c.d_sae + c.k));
      RandomRows batch(level, c.rows, c.d_vit, c.d_sae);
      for (int64_t j = 0; j < c.d_sae; ++j) {
        random.fill(batch.latent(j), c.d_vit, 0.1f);
        // Ties: every fourth latent is the one before it.
        if (j % 4 == 3) std::copy_n(batch.latent(j - 1), c.d_vit, batch.latent(j));
      }
      FloorGuess guess, batch_guess;
      for (const float scale : {1.0f, 1.02f, 0.9f, 1e-6f, 30.0f, 1.0f}) {
        for (int64_t r = 0; r < c.rows; ++r) {
          // Norms differ, so that some rows' floors begin too high.
          random.fill(batch.row(r), c.d_vit, scale * (r % 10 == 0 ? 0.1f : 1.0f));
        }
        if (c.rows == 100) {
          std::fill_n(batch.row(5), c.d_vit, 0.0f);
          batch.row(99)[3] = NAN;
        }
        EncodeInput in = batch.input();
        EncodeScratch scratch;
        RowTopKScratch top;
        ActiveLists expected, found;
        EncoderScreen screen;
        screen.prepare(level, batch.layout, in, &form);
        encode_top_k(level, batch.layout, in, 64, {c.k, c.relu}, scratch, top, expected);
        in.screen = &screen;
        encode_top_k(level, batch.layout, in, 64, {c.k, c.relu, nullptr, 0, &guess}, scratch, top, found);
        CHECK(same_lists(expected, found));
        batch.lists(0.5f, nullptr, expected);
        batch.lists(0.5f, &screen, found);
        CHECK(same_lists(expected, found));
        in.screen = nullptr;
        const int64_t k = c.k * c.rows;
        const float least = encode_batch_top_k(level, batch.layout, in, 64, k, c.relu, scratch, expected);
        in.screen = &screen;
        CHECK(least ==
              encode_batch_top_k(level, batch.layout, in, 64, k, c.relu, scratch, found, &batch_guess));
        CHECK(same_lists(expected, found));
      }
      CHECK(c.k > 20 || (guess.per_norm > 0 && batch_guess.value > 0));
    });
  }
  set_num_threads(threads);
}

TEST(screening_is_tried_where_few_latents_are_active_and_given_up_where_it_does_not_pay) {
  ScreenChoice choice;
  CHECK(!choice.next(-1) && !choice.next(0.3));
  CHECK(choice.next(0.01));
  choice.screened(0.03);
  CHECK(choice.next(0.2));
  choice.screened(0.5);
  for (int i = 0; i < 8; ++i) CHECK(!choice.next(0.01));
  CHECK(choice.next(0.01));
  choice.screened(0.5);
  for (int i = 0; i < 16; ++i) CHECK(!choice.next(0.01));
  CHECK(choice.next(0.01));
}

}  // namespace saev

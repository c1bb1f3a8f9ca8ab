#include "vit/measure_products.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/peak.h"
#include "vit/packed_block.h"

namespace saev {
namespace {

constexpr int kRounds = 7;

template <typename Work>
void best_of(double& rate, double operations, const Work& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  rate = std::max(rate, operations / seconds.count() / 1e9);
}

}  // namespace

ProductRates measure_products(int64_t rows, int64_t n_in, int64_t n_out, const Job& job) {
  constexpr int64_t kMost = 1 << 14;
  for (const int64_t n : {rows, n_in, n_out}) {
    if (n >= 1 && n <= kMost) continue;
    throw Error(Code::kInvalidArgument, "sizes of a product: expected 1 to " + std::to_string(kMost) +
                                            ", found " + std::to_string(n));
  }
  const c10::InferenceMode no_autograd;
  const at::Tensor x = at::ones({rows, n_in}), w = at::ones({n_out, n_in});
  at::Tensor y = at::mm(x, w.t());
  LinearLayer layer;
  layer.weight = w.const_data_ptr<float>();
  layer.n_in = n_in;
  layer.n_out = n_out;
  const RowsView out{y.mutable_data_ptr<float>(), nullptr, n_out};
  ProductRates rates;
  const double operations = 2.0 * static_cast<double>(rows * n_in) * static_cast<double>(n_out);
  PackedLinear packed[2];
  PackedRows in[2];
  for (const Precision p : {Precision::kFloat32, Precision::kBfloat16}) {
    const auto i = static_cast<size_t>(p);
    if (!can_pack(p)) continue;
    packed[i] = pack_linear(layer, p);
    in[i].ensure(rows, n_in, p);
  }
  const Level level = active_level();
  const int64_t steps = std::max<int64_t>(1, 20'000'000 / SAEV_PICK(level, multiply_add_operations)());
  const double of_steps = static_cast<double>(steps * SAEV_PICK(level, multiply_add_operations)());
  const int threads = num_threads();
  for (int round = 0; round < kRounds; ++round) {
    job.check_abort();
    best_of(rates.peak, of_steps * threads * 8, [&] {
      parallel_tasks(threads * 8, [&](int64_t, int) {
        volatile float sink = SAEV_PICK(level, multiply_add_steps)(steps);
        (void)sink;
      });
    });
    best_of(rates.library, operations, [&] { at::mm_out(y, x, w.t()); });
    for (const Precision p : {Precision::kFloat32, Precision::kBfloat16}) {
      const auto i = static_cast<size_t>(p);
      if (packed[i].panels == 0) continue;
      best_of(p == Precision::kFloat32 ? rates.ours : rates.bfloat16, operations,
              [&] { linear(packed[i], in[i].view(), rows, out); });
    }
  }
  return rates;
}

}  // namespace saev

// What the kernels and the step take from libtorch, for tests in an emulator, which have no libtorch for
// their machine: how many threads there are, and Muon's products, of which the tests have a reference.
// Training states need its archives, and refuse.

#include <ATen/Parallel.h>
#include <c10/util/ParallelGuard.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "sae/newton_schulz.h"
#include "sae/reference_optimiser.h"
#include "sae/train_checkpoint.h"

namespace {
int threads = 2;
thread_local bool parallel = false;
}  // namespace

int at::get_num_threads() {
  return threads;
}
void at::set_num_threads(int n) {
  threads = n;
}
bool at::in_parallel_region() {
  return parallel;
}

c10::ParallelGuard::ParallelGuard(bool state) : previous_state_(parallel) {
  parallel = state;
}
c10::ParallelGuard::~ParallelGuard() {
  parallel = previous_state_;
}

namespace saev {

void newton_schulz(float* x, int64_t rows, int64_t columns) {
  const std::vector<double> result =
      reference_newton_schulz(std::vector<double>(x, x + rows * columns), rows, columns);
  std::copy(result.begin(), result.end(), x);
}

void write_train_checkpoint(const std::string&, const std::vector<StateItem>&, const Layout&,
                            const TextPairs&, const Job&) {
  throw Error(Code::kUnsupported, "training states need libtorch");
}
void read_train_checkpoint(const std::string&, const std::vector<StateItem>&, const Layout&,
                           const std::function<void(const TextPairs&)>&, const Job&) {
  throw Error(Code::kUnsupported, "training states need libtorch");
}

}  // namespace saev

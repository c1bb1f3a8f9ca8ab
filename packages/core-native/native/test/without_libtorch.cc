// What the kernels and the step take from libtorch, for tests in an emulator, which have no libtorch for
// their machine: how many threads there are. Muon and training states need its matrices and archives, and
// refuse.

#include <ATen/Parallel.h>
#include <c10/util/ParallelGuard.h>

#include <algorithm>

#include "core/error.h"
#include "sae/muon.h"
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

void muon_update(TrainState&, const Params&, double, double) {
  throw Error(Code::kUnsupported, "Muon needs libtorch");
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

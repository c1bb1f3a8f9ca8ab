// Holds in every flavour, with and without a GPU.

#include "core/cuda.h"
#include "core/error.h"
#include "test/check.h"

TEST(cuda_state_names_devices_or_a_problem) {
  const saev::CudaState state = saev::cuda_state();
  CHECK(state.devices.empty() != state.problem.empty());
  CHECK(state.compiled != state.toolkit.empty());
}

TEST(cuda_self_test_agrees_or_refuses) {
  const int n = static_cast<int>(saev::cuda_state().devices.size());
  for (int device = 0; device < n; ++device) CHECK(saev::cuda_self_test(device) == 0);
  CHECK_THROWS(saev::cuda_self_test(n), saev::Code::kUnsupported);
}

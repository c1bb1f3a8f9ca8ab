// The CPU flavour's answer to core/cuda.h.

#include "core/cuda.h"
#include "core/error.h"

namespace saev {

CudaState cuda_state() {
  CudaState state;
  state.problem = "this is the CPU build";
  return state;
}

double cuda_self_test(int /*device*/) {
  throw Error(Code::kUnsupported, "no CUDA device to test: this is the CPU build");
}

}  // namespace saev

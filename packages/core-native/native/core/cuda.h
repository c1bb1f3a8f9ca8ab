#pragma once
// What this build can do on a GPU, as the rest asks it. kernels/cuda/ answers in CUDA flavours,
// kernels/cuda/none/ in the CPU flavour, so that no caller needs to know which one it is in.

#include <cstdint>
#include <string>
#include <vector>

namespace saev {

struct CudaDevice {
  std::string name;
  int major = 0;  ///< compute capability
  int minor = 0;
  int64_t total_bytes = 0;
};

struct CudaState {
  bool compiled = false;            ///< whether this is a CUDA flavour
  std::string toolkit;              ///< e.g. "13.0"; empty in the CPU flavour
  int driver = 0;                   ///< CUDA version that the driver serves, e.g. 13000; 0 without a driver
  std::vector<CudaDevice> devices;  ///< empty when none can be used
  std::string problem;              ///< why there is none; empty when there are devices
};

/// Never throws: a machine without a GPU is not an error.
CudaState cuda_state();

/// Runs the row-scaling kernel on `device` over rows of several widths and returns the largest absolute
/// deviation from the CPU's result (0: the operations are IEEE on both). Throws Code::kUnsupported without a
/// device, Code::kInternal when CUDA fails.
double cuda_self_test(int device);

}  // namespace saev

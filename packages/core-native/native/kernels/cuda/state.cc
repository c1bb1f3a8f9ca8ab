// The CUDA flavours' answer to core/cuda.h.

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/cuda.h"
#include "core/error.h"
#include "kernels/cuda/check.h"
#include "kernels/cuda/scale_rows.h"
#include "kernels/scale_rows.h"

namespace saev {

CudaState cuda_state() {
  CudaState state;
  state.compiled = true;
  state.toolkit = SAEV_CUDA;
  cudaDriverGetVersion(&state.driver);
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    (void)cudaGetLastError();  // else the next call would report it again
    state.problem = state.driver == 0 ? "no NVIDIA driver on this machine" : cudaGetErrorString(status);
    return state;
  }
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp p{};
    if (cudaGetDeviceProperties(&p, i) != cudaSuccess) continue;
    state.devices.push_back({p.name, p.major, p.minor, static_cast<int64_t>(p.totalGlobalMem)});
  }
  if (state.devices.empty()) state.problem = "no CUDA-capable device is detected";
  return state;
}

double cuda_self_test(int device) {
  const CudaState state = cuda_state();
  if (device < 0 || device >= static_cast<int>(state.devices.size())) {
    throw Error(Code::kUnsupported, "no CUDA device " + std::to_string(device) + " to test" +
                                        (state.problem.empty() ? "" : ": ") + state.problem);
  }
  double largest = 0;
  const int64_t n_rows = 257;
  for (const int64_t d :
       {1, 7, 768, 1026}) {  // odd widths take the narrow kernel, multiples of four the wide one
    std::vector<float> x(n_rows * d), mean(d), on_gpu(n_rows * d), on_cpu(n_rows * d);
    uint32_t seed = 42;
    const auto next = [&seed] {
      seed = seed * 1664525U + 1013904223U;
      return static_cast<float>(seed >> 8) / 16777216.0F - 0.5F;
    };
    for (float& v : x) v = 20.0F * next();
    for (float& v : mean) v = next();
    scale_rows_plain(x.data(), mean.data(), 8.0F, 1.7F, n_rows, d, on_cpu.data());
    cuda::scale_rows_host(x.data(), mean.data(), 8.0F, 1.7F, n_rows, d, on_gpu.data(), device);
    for (size_t i = 0; i < x.size(); ++i) {
      const double deviation = std::fabs(static_cast<double>(on_gpu[i]) - on_cpu[i]);
      largest = std::isnan(deviation) ? deviation : std::max(largest, deviation);
      if (std::isnan(largest)) return largest;
    }
  }
  return largest;
}

}  // namespace saev

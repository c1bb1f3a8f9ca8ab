#pragma once
// CUDA's error codes as saev::Error.

#include <cuda_runtime_api.h>

#include <string>

#include "core/error.h"

namespace saev::cuda {

/// Throws unless `status` is success: OUT_OF_MEMORY, or INTERNAL with what was done and what CUDA says of it.
inline void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  const Code code = status == cudaErrorMemoryAllocation ? Code::kOutOfMemory : Code::kInternal;
  throw Error(code, std::string(what) + " on the GPU: " + cudaGetErrorString(status));
}

}  // namespace saev::cuda

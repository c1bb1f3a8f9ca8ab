#pragma once
// kernels/scale_rows.h on the GPU.

#include <cuda_runtime_api.h>

#include <cstdint>

namespace saev::cuda {

/// Device pointers; x and out are [n_rows, d], C order, and may be the same; mean is [d]. Returns once the
/// work is queued on `stream`. Throws Code::kInvalidArgument for negative sizes, Code::kInternal when the
/// launch fails.
void scale_rows(const float* x, const float* mean, float limit, float scale, int64_t n_rows, int64_t d,
                float* out, cudaStream_t stream);

/// The same from and to host memory: copies, runs on `device`, copies back, waits.
void scale_rows_host(const float* x, const float* mean, float limit, float scale, int64_t n_rows, int64_t d,
                     float* out, int device);

}  // namespace saev::cuda

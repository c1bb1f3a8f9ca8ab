// Bound by memory: every value is read once and written once, four at a time where width and alignment allow.

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/buffer.h"
#include "kernels/cuda/check.h"
#include "kernels/cuda/scale_rows.h"

namespace saev::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 65535;  // a grid-stride loop takes what is beyond

__device__ inline float scaled(float v, float mean, float limit, float scale) {
  // Comparisons, not fminf: NaN must come out as NaN.
  const float clamped = v < -limit ? -limit : (v > limit ? limit : v);
  return __fdiv_rn(clamped - mean, scale);
}

__global__ void one_by_one(const float* x, const float* mean, float limit, float scale, int64_t n, int64_t d,
                           float* out) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    out[i] = scaled(x[i], mean[i % d], limit, scale);
  }
}

__global__ void four_by_four(const float4* x, const float4* mean, float limit, float scale, int64_t n,
                             int64_t d, float4* out) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    const float4 v = x[i];
    const float4 m = mean[i % d];
    out[i] = {scaled(v.x, m.x, limit, scale), scaled(v.y, m.y, limit, scale), scaled(v.z, m.z, limit, scale),
              scaled(v.w, m.w, limit, scale)};
  }
}

bool aligned16(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
}

}  // namespace

void scale_rows(const float* x, const float* mean, float limit, float scale, int64_t n_rows, int64_t d,
                float* out, cudaStream_t stream) {
  if (n_rows < 0 || d < 0) throw Error(Code::kInvalidArgument, "scale_rows: sizes cannot be negative");
  const bool wide = d % 4 == 0 && aligned16(x) && aligned16(mean) && aligned16(out);
  const int64_t n = wide ? n_rows * d / 4 : n_rows * d;
  if (n == 0) return;
  const auto blocks = static_cast<unsigned>(std::min((n + kThreads - 1) / kThreads, kMaxBlocks));
  if (wide) {
    four_by_four<<<blocks, kThreads, 0, stream>>>(reinterpret_cast<const float4*>(x),
                                                  reinterpret_cast<const float4*>(mean), limit, scale, n,
                                                  d / 4, reinterpret_cast<float4*>(out));
  } else {
    one_by_one<<<blocks, kThreads, 0, stream>>>(x, mean, limit, scale, n, d, out);
  }
  check(cudaGetLastError(), "scaling rows");
}

void scale_rows_host(const float* x, const float* mean, float limit, float scale, int64_t n_rows, int64_t d,
                     float* out, int device) {
  check(cudaSetDevice(device), "choosing the device");
  const Stream stream;
  const Buffer<float> values(n_rows * d), means(d);
  values.copy_in(x, stream.get());
  means.copy_in(mean, stream.get());
  scale_rows(values.get(), means.get(), limit, scale, n_rows, d, values.get(), stream.get());
  values.copy_out(out, stream.get());
  stream.wait();
}

}  // namespace saev::cuda

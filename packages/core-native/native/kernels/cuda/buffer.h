#pragma once
// Device memory and a stream that free themselves, for host entry points outside libtorch's allocator.

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/cuda/check.h"

namespace saev::cuda {

class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "opening a stream"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }
  void wait() const { check(cudaStreamSynchronize(stream_), "waiting for the work"); }

 private:
  cudaStream_t stream_ = nullptr;
};

template <typename T>
class Buffer {
 public:
  explicit Buffer(int64_t n) : bytes_(static_cast<size_t>(n) * sizeof(T)) {
    if (bytes_ > 0) check(cudaMalloc(&data_, bytes_), "allocating memory");
  }
  ~Buffer() { cudaFree(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* get() const { return static_cast<T*>(data_); }
  void copy_in(const T* from, cudaStream_t stream) const {
    check(cudaMemcpyAsync(data_, from, bytes_, cudaMemcpyHostToDevice, stream), "copying in");
  }
  void copy_out(T* to, cudaStream_t stream) const {
    check(cudaMemcpyAsync(to, data_, bytes_, cudaMemcpyDeviceToHost, stream), "copying out");
  }

 private:
  void* data_ = nullptr;
  size_t bytes_;
};

}  // namespace saev::cuda

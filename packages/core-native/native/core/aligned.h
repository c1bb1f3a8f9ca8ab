#pragma once
// Memory for kernels: aligned to a cache line, in huge pages when large, zeroed.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace saev {

/// Zeroed bytes aligned to 64 (2 MiB and advised as huge pages from 4 MiB on). Throws Code::kOutOfMemory.
void* aligned_zeroed(size_t bytes);
void aligned_free(void* p) noexcept;

/// An owned array of trivially copyable values that kernels may load with aligned instructions.
template <typename T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t n)
      : data_(n ? static_cast<T*>(aligned_zeroed(n * sizeof(T))) : nullptr), size_(n) {}

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  /// Makes room for `n` values where there is less: zeroed, without the old ones. Returns the first.
  T* at_least(int64_t n) {
    if (static_cast<int64_t>(size_) < n) *this = AlignedArray(static_cast<size_t>(n));
    return data();
  }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }
  std::span<T> span() { return {data(), size_}; }
  std::span<const T> span() const { return {data(), size_}; }

 private:
  struct Free {
    void operator()(T* p) const noexcept { aligned_free(p); }
  };
  std::unique_ptr<T[], Free> data_;
  size_t size_ = 0;
};

}  // namespace saev

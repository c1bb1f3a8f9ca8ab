#pragma once
// Writes one tensor as `torch.save` would, piece by piece: for tensors larger than memory.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace saev {

/// A torch archive (a stored zip) of one contiguous tensor, written front to back under a temporary name.
/// `torch.load(weights_only=True)` and memory-mapped loading read it: the data begin at a multiple of 64
/// bytes.
class TorchTensorStream {
 public:
  enum class Type { kFloat32, kInt64 };

  /// Throws kIo when the folder has not the room for it, before anything is written.
  TorchTensorStream(const std::string& path, Type type, std::vector<int64_t> shape);
  /// Without `commit`, nothing is left behind.
  ~TorchTensorStream();
  TorchTensorStream(const TorchTensorStream&) = delete;
  TorchTensorStream& operator=(const TorchTensorStream&) = delete;

  /// The next elements, C order.
  void write(std::span<const float> values);
  void write(std::span<const int64_t> values);
  /// Ends the archive, syncs it and renames it. Throws when elements are missing.
  void commit();

 private:
  struct Entry {
    std::string name;
    uint64_t size, offset;
    uint32_t crc;
  };
  void bytes(const void* data, size_t n);
  void flush();
  void discard() noexcept;
  void header(const std::string& name, uint64_t size, uint32_t crc, bool align);
  void small_record(const std::string& name, const std::string& data);
  void data_bytes(const void* data, size_t n);

  std::string path_, temporary_, archive_;
  int fd_ = -1;
  uint64_t position_ = 0, data_size_ = 0, data_written_ = 0, crc_at_ = 0;
  uint32_t data_crc_ = 0;
  std::vector<Entry> entries_;
  std::vector<char> buffer_;
};

}  // namespace saev

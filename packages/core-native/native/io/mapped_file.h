#pragma once
// A file as bytes in memory. Parsers take a span and check every offset against it, so a file that is too
// short becomes an error and never a SIGBUS; a file that shrinks or is written to while it is mapped is
// caught by `check_unchanged`.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace saev {

class MappedFile {
 public:
  enum class Access {
    kReadOnly,     ///< writing to the bytes is a fault of ours
    kCopyOnWrite,  ///< writes stay in this process: for tensors, which operations may change in place
  };

  /// Maps a regular file of any size, 0 included. Throws kNotFound, kIo, or kBadFile for what is no file.
  static std::shared_ptr<const MappedFile> open(const std::string& path, Access access = Access::kReadOnly);
  /// Bytes that are in memory already, under a name for messages.
  static std::shared_ptr<const MappedFile> in_memory(std::vector<std::byte> bytes, std::string name);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  size_t size() const { return size_; }
  const std::string& path() const { return path_; }

  /// Throws kBadFile when the file on disk is shorter than when it was opened, or was written to since, by
  /// its time of change. One stat. A file that was removed, or has another in its place, stays readable.
  void check_unchanged() const;

 private:
  explicit MappedFile(std::string path) : path_(std::move(path)) {}

  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  /// Which file it is, and its time of change, when it was opened.
  uint64_t device_ = 0, inode_ = 0;
  int64_t modified_s_ = 0, modified_ns_ = 0;
  std::vector<std::byte> owned_;  ///< instead of a map
};

}  // namespace saev

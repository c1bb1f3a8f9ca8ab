#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/error.h"

namespace saev {

namespace {

/// When a file was last written to.
const timespec& modified(const struct stat& info) {
#ifdef __APPLE__
  return info.st_mtimespec;
#else
  return info.st_mtim;
#endif
}

/// Closed when the scope ends: a map needs no descriptor, and ten thousand shards would use up all of them.
struct Descriptor {
  int fd;
  ~Descriptor() { ::close(fd); }
};

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, Access access) {
  // O_NONBLOCK: opening a FIFO by mistake must not wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw io_error("cannot read", path, errno);
  const Descriptor descriptor{fd};
  struct stat info{};
  if (::fstat(fd, &info) != 0) throw io_error("cannot read", path, errno);
  if (!S_ISREG(info.st_mode)) {
    throw Error(Code::kBadFile, path + " is " + (S_ISDIR(info.st_mode) ? "a folder" : "no regular file") +
                                    "; expected a file");
  }
  std::shared_ptr<MappedFile> file(new MappedFile(path));
  file->device_ = static_cast<uint64_t>(info.st_dev);
  file->inode_ = static_cast<uint64_t>(info.st_ino);
  file->modified_s_ = modified(info).tv_sec;
  file->modified_ns_ = modified(info).tv_nsec;
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return file;
  const bool writable = access == Access::kCopyOnWrite;
  void* data = ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
                      MAP_PRIVATE | (writable ? MAP_NORESERVE : 0), fd, 0);
  if (data == MAP_FAILED) throw io_error("cannot map", path, errno);
  file->data_ = static_cast<const std::byte*>(data);
  file->size_ = size;
  return file;
}

std::shared_ptr<const MappedFile> MappedFile::in_memory(std::vector<std::byte> bytes, std::string name) {
  std::shared_ptr<MappedFile> file(new MappedFile(std::move(name)));
  file->owned_ = std::move(bytes);
  file->data_ = file->owned_.data();
  file->size_ = file->owned_.size();
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr && data_ != owned_.data()) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::check_unchanged() const {
  if (!owned_.empty()) return;
  struct stat info{};
  if (::stat(path_.c_str(), &info) != 0) {
    if (errno == ENOENT) return;
    throw io_error("cannot read", path_, errno);
  }
  if (static_cast<size_t>(info.st_size) < size_) {
    throw Error(Code::kBadFile, path_ + " shrank from " + std::to_string(size_) + " to " +
                                    std::to_string(info.st_size) +
                                    " bytes while it was read; leave the file alone and start again");
  }
  const bool same =
      static_cast<uint64_t>(info.st_dev) == device_ && static_cast<uint64_t>(info.st_ino) == inode_;
  if (same && (modified(info).tv_sec != modified_s_ || modified(info).tv_nsec != modified_ns_)) {
    throw Error(Code::kBadFile,
                path_ + " was written to while it was read; leave the file alone and start again");
  }
}

}  // namespace saev

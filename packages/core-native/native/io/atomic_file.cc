#include "io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "core/error.h"

namespace saev {

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void write_fully(int fd, const void* data, size_t size, size_t offset, const std::string& path) {
  const char* p = static_cast<const char*>(data);
  while (size > 0) {
    // Linux writes at most 2 GiB a call.
    const ssize_t n = ::pwrite(fd, p, std::min<size_t>(size, size_t{1} << 30), static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      throw io_error("cannot write", path, errno);
    }
    if (n == 0) throw io_error("cannot write", path, ENOSPC);
    p += n;
    offset += static_cast<size_t>(n);
    size -= static_cast<size_t>(n);
  }
}

void sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw io_error("cannot open folder", folder, errno);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  // Some network file systems cannot sync a folder and say so; the rename itself is as safe there as it gets.
  if (failed != 0 && failed != EINVAL && failed != ENOTSUP)
    throw io_error("cannot sync folder", folder, failed);
}

void sync_file_system(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw io_error("cannot open folder", folder, errno);
#ifdef __linux__
  const int failed = ::syncfs(fd) == 0 ? 0 : errno;
#else
  ::sync();
  const int failed = 0;
#endif
  ::close(fd);
  if (failed != 0) throw io_error("cannot sync the file system of", folder, failed);
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  static std::atomic<unsigned> counter{0};
  temporary_ = path_ + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) throw io_error("cannot write", path_, errno);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, size_t size) {
  write_fully(fd_, data, size, size_, path_);
  size_ += size;
}

void AtomicFile::commit() {
  if (::fsync(fd_) != 0) throw io_error("cannot write", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw io_error("cannot write", path_, errno);
  ::close(fd_);
  fd_ = -1;
  sync_folder(folder_of(path_));
}

}  // namespace saev

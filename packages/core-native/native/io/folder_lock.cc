#include "io/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"

namespace saev {
namespace {

/// 0 when `fd` is locked now, otherwise why not.
int lock(int fd) {
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

}  // namespace

FolderLock::FolderLock(const std::string& folder, const std::string& busy, On on)
    : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (fd_ < 0) throw io_error("cannot open folder", folder, errno);
  int failed = on == On::kFolder ? lock(fd_) : EBADF;
  // NFS gives exclusive locks to files that are open for writing only, and a folder never is.
  if (failed == EBADF) {
    ::close(fd_);
    const std::string path = folder + "/" + kLockFile;
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) throw io_error("cannot write", path, errno);
    failed = lock(fd_);
  }
  if (failed != EWOULDBLOCK) return;
  ::close(fd_);
  throw Error(Code::kIo, busy);
}

FolderLock::~FolderLock() {
  ::close(fd_);
}

}  // namespace saev

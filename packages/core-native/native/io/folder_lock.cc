#include "io/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"

namespace saev {

FolderLock::FolderLock(const std::string& folder, const std::string& busy)
    : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (fd_ < 0) throw io_error("cannot open folder", folder, errno);
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(fd_);
  throw Error(Code::kIo, busy);
}

FolderLock::~FolderLock() {
  ::close(fd_);
}

}  // namespace saev

#pragma once
// A folder that one process at a time writes into. The lock is the kernel's: it ends with the process,
// however that ends.

#include <string>

namespace saev {

class FolderLock {
 public:
  /// Locks `folder`, which must be there. Throws Code::kIo with `busy` when another process, or another lock
  /// in this one, holds it. File systems that know no locks lock nothing.
  FolderLock(const std::string& folder, const std::string& busy);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

}  // namespace saev

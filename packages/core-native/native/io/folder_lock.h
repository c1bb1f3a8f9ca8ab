#pragma once
// A folder that one process at a time writes into. The lock is the kernel's: it ends with the process,
// however that ends.

#include <string>

namespace saev {

/// The file that is locked in a folder which cannot be locked itself.
inline constexpr const char* kLockFile = ".saev.lock";

class FolderLock {
 public:
  enum class On {
    kFolder,  ///< the folder, or a file in it where the file system locks files only (NFS)
    kFile,    ///< kLockFile in the folder, which stays there
  };
  /// Locks `folder`, which must be there. Throws Code::kIo with `busy` when another process, or another lock
  /// in this one, holds it. File systems that know no locks lock nothing.
  FolderLock(const std::string& folder, const std::string& busy, On on = On::kFolder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

}  // namespace saev

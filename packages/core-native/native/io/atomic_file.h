#pragma once
// Writes a file that appears under its name only when it is whole and on disk: a temporary file in the same
// folder, fsync, rename, fsync of the folder.

#include <cstddef>
#include <string>
#include <string_view>

namespace saev {

class AtomicFile {
 public:
  /// Creates the temporary file beside `path`. Throws kIo or kNotFound when the folder refuses.
  explicit AtomicFile(std::string path);
  /// Without `commit`, the temporary file is removed and what was under `path` stays.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Bytes written so far.
  size_t size() const { return size_; }
  /// Syncs, renames over `path`, syncs the folder.
  void commit();

 private:
  std::string path_;
  std::string temporary_;
  int fd_ = -1;
  size_t size_ = 0;
};

/// Writes all of `size` bytes at `offset`, through short writes and interrupts. Throws kIo.
void write_fully(int fd, const void* data, size_t size, size_t offset, const std::string& path);
/// Makes a rename or a new name in `folder` survive a power cut.
void sync_folder(const std::string& folder);
/// Puts everything that was written to the file system of `folder` on disk, whoever wrote it: for many files
/// at once, where syncing each costs a commit of the journal each (5 ms a file against 3 for all together).
/// Where a system cannot do that for one file system, all are synced. Throws kIo, kNotFound.
void sync_file_system(const std::string& folder);
/// The folder part of `path`, "." when there is none.
std::string folder_of(const std::string& path);

}  // namespace saev

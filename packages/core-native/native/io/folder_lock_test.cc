#include "io/folder_lock.h"

#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "core/error.h"
#include "test/check.h"

namespace {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("saev-lock-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST(folder_lock_excludes_a_second_one_either_way) {
  const Folder folder;
  for (const auto on : {saev::FolderLock::On::kFolder, saev::FolderLock::On::kFile}) {
    std::optional<saev::FolderLock> first(std::in_place, folder.path.string(), "busy", on);
    CHECK_THROWS(saev::FolderLock(folder.path.string(), "busy", on), saev::Code::kIo);
    first.reset();
    const saev::FolderLock again(folder.path.string(), "busy", on);
  }
  CHECK(std::filesystem::exists(folder.path / saev::kLockFile));
}

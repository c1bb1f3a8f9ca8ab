#include "io/atomic_file.h"

#include <filesystem>

#include "core/error.h"
#include "test/check.h"

// That the bytes outlive a power cut is the system's word; here: it is asked, and what cannot be asked is
// named.
TEST(sync_file_system_takes_folders_and_names_what_is_none) {
  const std::string folder = std::filesystem::temp_directory_path().string();
  saev::sync_file_system(folder);
  CHECK_THROWS(saev::sync_file_system(folder + "/saev-is-not-there"), saev::Code::kNotFound);
  CHECK_THROWS(saev::sync_file_system("/dev/null"), saev::Code::kNotFound);
}

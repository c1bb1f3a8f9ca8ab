#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "core/error.h"

namespace saev {

/// Bytes of a file, −1 when there is none. Throws kIo.
inline int64_t path_size(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) return info.st_size;
  if (errno == ENOENT) return -1;
  throw io_error("cannot read", path, errno);
}

}  // namespace saev

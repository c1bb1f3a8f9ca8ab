#include "core/error.h"

#include <cerrno>
#include <cstring>

namespace saev {

const char* code_name(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case Code::kShapeMismatch:
      return "SHAPE_MISMATCH";
    case Code::kWrongHandle:
      return "WRONG_HANDLE";
    case Code::kDisposed:
      return "DISPOSED";
    case Code::kNotFound:
      return "NOT_FOUND";
    case Code::kIo:
      return "IO";
    case Code::kBadFile:
      return "BAD_FILE";
    case Code::kUnsupported:
      return "UNSUPPORTED";
    case Code::kNumeric:
      return "NUMERIC";
    case Code::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case Code::kAborted:
      return "ABORTED";
    case Code::kInternal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

Error io_error(const std::string& what, const std::string& path, int errnum) {
  const Code code = errnum == ENOENT || errnum == ENOTDIR ? Code::kNotFound : Code::kIo;
  return {code, what + " " + path + ": " + std::strerror(errnum)};
}

}  // namespace saev

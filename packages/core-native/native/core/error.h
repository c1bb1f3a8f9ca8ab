#pragma once
// The one exception type that our own code throws. Anything else (c10::Error, std::bad_alloc …) is translated
// where it leaves native code, in bind/guard.h.

#include <stdexcept>
#include <string>
#include <utility>

namespace saev {

/// What went wrong, as users see it in `SaevError.code`. Keep in step with `src/errors.ts`.
enum class Code {
  kInvalidArgument,  ///< a value is out of range or of the wrong kind
  kShapeMismatch,    ///< a tensor's shape or dtype is not what the operation needs
  kWrongHandle,      ///< a handle of another class was given
  kDisposed,         ///< the object was disposed before
  kNotFound,         ///< a file or folder is not there
  kIo,               ///< the operating system refused (full disk, permissions, read error)
  kBadFile,          ///< a file is there and is not what it should be
  kUnsupported,      ///< understood, and not done by this build
  kNumeric,          ///< a NaN or an infinity where none may be
  kOutOfMemory,      ///< an allocation failed
  kAborted,          ///< the caller's signal fired; TypeScript rejects with the signal's reason
  kInternal,         ///< a fault of ours
};

/// The name that crosses to JavaScript, e.g. "BAD_FILE".
const char* code_name(Code code);

/// One line: what was expected, what was found, where, and what to do.
class Error : public std::runtime_error {
 public:
  Error(Code code, std::string message) : std::runtime_error(std::move(message)), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

/// `saev::Error` for a failed system call: "cannot write FILE: No space left on device (ENOSPC)".
Error io_error(const std::string& what, const std::string& path, int errnum);

}  // namespace saev

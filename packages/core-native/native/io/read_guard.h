#pragma once
// A mapped file whose disk fails, or that somebody cuts while it is read, raises SIGBUS where its bytes are
// touched, and that ends the process. Within guarded ranges it does not: pages that cannot be read become
// zeros and the range remembers it, so that who has read it can say so.

#include <cstddef>
#include <span>

namespace saev {

/// Guards a mapped range as long as it lives; the map must outlive it. Any thread may read meanwhile. The
/// first guard installs a handler of SIGBUS, which hands faults elsewhere to the one that was there before.
class ReadGuard {
 public:
  explicit ReadGuard(std::span<const std::byte> mapped);
  ~ReadGuard();
  ReadGuard(const ReadGuard&) = delete;
  ReadGuard& operator=(const ReadGuard&) = delete;

  /// Whether a page of it could not be read since then: what was read from it may be zeros.
  bool failed() const;

 private:
  struct Range;
  friend struct GuardedRanges;
  Range* range_;
};

}  // namespace saev

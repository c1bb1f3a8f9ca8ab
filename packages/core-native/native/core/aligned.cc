#include "core/aligned.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "core/error.h"

namespace saev {
namespace {
constexpr size_t kLine = 64;
constexpr size_t kHuge = size_t{2} << 20;
}  // namespace

void* aligned_zeroed(size_t bytes) {
  const size_t alignment = bytes >= 2 * kHuge ? kHuge : kLine;
  if (bytes > SIZE_MAX - alignment) throw Error(Code::kOutOfMemory, "an array of that size cannot exist");
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* p = std::aligned_alloc(alignment, rounded);
  if (p == nullptr) {
    throw Error(Code::kOutOfMemory, "cannot allocate " + std::to_string(rounded >> 20) + " MiB");
  }
#ifdef MADV_HUGEPAGE
  if (alignment == kHuge) madvise(p, rounded, MADV_HUGEPAGE);
#endif
  std::memset(p, 0, rounded);
  return p;
}

void aligned_free(void* p) noexcept {
  std::free(p);
}

}  // namespace saev

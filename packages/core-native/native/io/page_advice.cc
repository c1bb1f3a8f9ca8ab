#include "io/page_advice.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace saev {

void advise(std::span<const std::byte> bytes, PageAdvice advice) noexcept {
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
  const uintptr_t aligned = begin / page * page;
  ::madvise(reinterpret_cast<void*>(aligned), begin + bytes.size() - aligned,
            advice == PageAdvice::kWillNeed ? MADV_WILLNEED : MADV_DONTNEED);
}

}  // namespace saev

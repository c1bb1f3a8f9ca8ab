#pragma once
// What a reader tells the system about bytes of a file that it mapped.

#include <cstddef>
#include <span>

namespace saev {

enum class PageAdvice {
  kWillNeed,  ///< read from disk now, in the background
  kDone,      ///< unmap for the time being; the system may keep it in its cache
};

/// `bytes` must lie in a file that is mapped read-only. Never fails: advice that the system does not take
/// changes no result.
void advise(std::span<const std::byte> bytes, PageAdvice advice) noexcept;

}  // namespace saev

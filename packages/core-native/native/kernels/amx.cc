#include "kernels/amx.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace saev {
namespace {

#if defined(__x86_64__) && defined(__linux__)
/// State components 17 and 18: the tiles' shapes and their data.
constexpr uint64_t kTileState = uint64_t{3} << 17;

uint64_t enabled_states() {
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

Amx ask() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kOsXsave = 1u << 27;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & kOsXsave) == 0) return {};
  if ((enabled_states() & kTileState) != kTileState) return {};
  constexpr unsigned kBfloat16 = 1u << 22, kTile = 1u << 24, kInt8 = 1u << 25;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kTile) == 0) return {};
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) != 0) return {};
  return {(d & kInt8) != 0, (d & kBfloat16) != 0};
}
#else
Amx ask() {
  return {};
}
#endif

Amx& granted() {
  static Amx amx = ask();
  return amx;
}

}  // namespace

const Amx& has_amx() {
  return granted();
}

void assume_amx(const Amx& amx) {
  granted() = amx;
}

}  // namespace saev

// AMX in software, for emulators that have AVX-512 but no tiles that Linux would enable: with
// SAEV_SOFTWARE_AMX=1 in the environment each tile instruction raises SIGILL, and the handler does what
// Intel's manual says of it. Slow, exact in integers; products of bfloat16 are added one after the other.

#if defined(__x86_64__) && defined(__linux__)

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "kernels/amx.h"
#include "kernels/cpu/rows_view.h"

namespace saev::test {
namespace {

struct Tile {
  int rows = 0, bytes = 0;
  alignas(64) uint8_t data[16][64] = {};
};
thread_local Tile tiles[8];

/// Of a register's number in an instruction.
constexpr int kRegisters[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

struct Instruction {
  int prefix = 0;  ///< 0: none, 1: 66, 2: F3, 3: F2
  int opcode = 0, reg = 0, rm = 0, second = 0;
  bool memory = false;
  uint8_t* address = nullptr;  ///< without the index
  int64_t index = 0;
  int length = 0;
};

/// A three-byte VEX instruction of map 0F38.
bool decode(const uint8_t* p, const greg_t* registers, Instruction& out) {
  if (p[0] != 0xc4 || (p[1] & 0x1f) != 2) return false;
  const int x = (~p[1] >> 6 & 1) << 3, b = (~p[1] >> 5 & 1) << 3;
  out.prefix = p[2] & 3;
  out.second = ~p[2] >> 3 & 15;
  out.opcode = p[3];
  const int mode = p[4] >> 6, low = p[4] & 7;
  out.reg = p[4] >> 3 & 7;
  out.rm = low;
  out.length = 5;
  out.memory = mode != 3;
  if (!out.memory) return true;
  int base = low | b;
  if (low == 4) {
    const uint8_t sib = p[out.length++];
    base = (sib & 7) | b;
    const int index = (sib >> 3 & 7) | x;
    if (index != 4) out.index = registers[kRegisters[index]] << (sib >> 6);
  }
  int64_t displacement = 0;
  if (mode == 1) {
    displacement = static_cast<int8_t>(p[out.length++]);
  } else if (mode == 2) {
    int32_t wide;
    std::memcpy(&wide, p + out.length, 4);
    displacement = wide;
    out.length += 4;
  } else if ((base & 7) == 5) {
    return false;
  }
  out.address = reinterpret_cast<uint8_t*>(registers[kRegisters[base]] + displacement);
  return true;
}

void configure(const uint8_t* shapes) {
  for (int i = 0; i < 8; ++i) {
    tiles[i] = {};
    if (shapes == nullptr) continue;
    uint16_t bytes;
    std::memcpy(&bytes, shapes + 16 + 2 * i, 2);
    tiles[i].bytes = bytes;
    tiles[i].rows = shapes[48 + i];
  }
}

/// `Sum` and what is added to it from four bytes of each operand.
template <typename Sum, typename Add>
void multiply(const Instruction& i, const Add& add) {
  Tile& sums = tiles[i.reg];
  const Tile &a = tiles[i.rm], &b = tiles[i.second & 7];
  for (int m = 0; m < sums.rows; ++m) {
    for (int k = 0; k < a.bytes; k += 4) {
      for (int n = 0; n < sums.bytes; n += 4) {
        Sum sum;
        std::memcpy(&sum, sums.data[m] + n, 4);
        sum = add(sum, a.data[m] + k, b.data[k / 4] + n);
        std::memcpy(sums.data[m] + n, &sum, 4);
      }
    }
  }
}

bool execute(const Instruction& i) {
  Tile& tile = tiles[i.reg];
  if (i.opcode == 0x49 && i.prefix == 0) {
    configure(i.memory ? i.address : nullptr);
  } else if (i.opcode == 0x49 && i.prefix == 3 && !i.memory) {
    std::memset(tile.data, 0, sizeof tile.data);
  } else if (i.opcode == 0x4b && i.prefix == 3 && i.memory) {
    std::memset(tile.data, 0, sizeof tile.data);
    for (int m = 0; m < tile.rows; ++m)
      std::memcpy(tile.data[m], i.address + m * i.index, static_cast<size_t>(tile.bytes));
  } else if (i.opcode == 0x4b && i.prefix == 2 && i.memory) {
    for (int m = 0; m < tile.rows; ++m)
      std::memcpy(i.address + m * i.index, tile.data[m], static_cast<size_t>(tile.bytes));
  } else if (i.opcode == 0x5e && i.prefix == 1) {
    multiply<int32_t>(i, [](int32_t sum, const uint8_t* a, const uint8_t* b) {
      for (int q = 0; q < 4; ++q) sum += a[q] * static_cast<int8_t>(b[q]);
      return sum;
    });
  } else if (i.opcode == 0x5c && i.prefix == 2) {
    multiply<float>(i, [](float sum, const uint8_t* a, const uint8_t* b) {
      for (int q = 0; q < 4; q += 2) {
        uint16_t x, w;
        std::memcpy(&x, a + q, 2);
        std::memcpy(&w, b + q, 2);
        sum += from_bfloat16(x) * from_bfloat16(w);
      }
      return sum;
    });
  } else {
    return false;
  }
  return true;
}

void on_illegal(int, siginfo_t*, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  Instruction i;
  if (!decode(reinterpret_cast<const uint8_t*>(registers[REG_RIP]), registers, i) || !execute(i)) {
    // Not ours: it fails again, now for good.
    signal(SIGILL, SIG_DFL);
    return;
  }
  registers[REG_RIP] += i.length;
}

[[maybe_unused]] const bool kInstalled = [] {
  if (std::getenv("SAEV_SOFTWARE_AMX") == nullptr) return false;
  struct sigaction action = {};
  action.sa_sigaction = on_illegal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, nullptr);
  assume_amx({true, true});
  return true;
}();

}  // namespace
}  // namespace saev::test

#endif

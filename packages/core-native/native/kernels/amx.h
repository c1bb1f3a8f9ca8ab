#pragma once
// Whether this process may multiply tiles (Intel AMX). Linux lets a process use their registers, 8 KiB a
// thread, only after it has asked (https://docs.kernel.org/arch/x86/xstate.html).

namespace saev {

struct Amx {
  bool int8 = false;      ///< products of 8-bit numbers, added to 32 bits
  bool bfloat16 = false;  ///< products of bfloat16, added to float32
};

/// Asks once a process; what was granted holds for all its threads.
const Amx& has_amx();
/// For tests whose process emulates the instructions; before anything else asks.
void assume_amx(const Amx& amx);

}  // namespace saev

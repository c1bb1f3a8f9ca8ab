#pragma once
// Which instruction set a kernel runs with. Every kernel exists at every level of its architecture; `kPlain`
// is the slow, obvious reference, and a test can force any level that the machine has.

#include <string>
#include <vector>

namespace saev {

enum class Level {
  kPlain,   ///< scalar C++ that reads like the formula
  kNeon,    ///< arm64
  kAvx2,    ///< x86-64 with AVX2 and FMA
  kAvx512,  ///< x86-64 with AVX-512 F, BW, DQ, VL
};

const char* level_name(Level level);

/// Levels that this build has and this machine can run, slowest first.
const std::vector<Level>& available_levels();

/// The level in force: the best available, or SAEV_CPU_LEVEL (plain, neon, avx2, avx512), or what
/// `force_level` set.
Level active_level();

/// For tests and benchmarks, process-wide. Throws Code::kUnsupported when the machine lacks it.
void force_level(Level level);

/// CPU features that matter here, for `saev doctor`: "avx2 fma avx512f avx512_vnni avx512_bf16 amx_bf16 …".
std::string cpu_features();

}  // namespace saev

#include "kernels/level.h"

#include <atomic>
#include <cstdlib>

#include "core/error.h"
#include "kernels/amx.h"

namespace saev {
namespace {

bool runs(Level level) {
  switch (level) {
    case Level::kPlain:
      return true;
#if defined(__x86_64__)
    case Level::kNeon:
      return false;
    case Level::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Level::kAvx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && runs(Level::kAvx2);
#elif defined(__aarch64__)
    case Level::kNeon:
      return true;
#endif
    default:
      return false;
  }
}

Level from_name(const std::string& name) {
  for (Level level : {Level::kPlain, Level::kNeon, Level::kAvx2, Level::kAvx512}) {
    if (name == level_name(level)) return level;
  }
  throw Error(Code::kInvalidArgument,
              "SAEV_CPU_LEVEL must be one of plain, neon, avx2, avx512; found '" + name + "'");
}

void require(Level level) {
  if (runs(level)) return;
  throw Error(Code::kUnsupported, std::string("this machine has no ") + level_name(level) +
                                      "; unset SAEV_CPU_LEVEL or choose a level it has");
}

Level initial_level() {
  const char* forced = std::getenv("SAEV_CPU_LEVEL");
  if (forced == nullptr || *forced == '\0') return available_levels().back();
  const Level level = from_name(forced);
  require(level);
  return level;
}

std::atomic<Level>& current() {
  static std::atomic<Level> level{initial_level()};
  return level;
}

}  // namespace

const char* level_name(Level level) {
  switch (level) {
    case Level::kPlain:
      return "plain";
    case Level::kNeon:
      return "neon";
    case Level::kAvx2:
      return "avx2";
    case Level::kAvx512:
      return "avx512";
  }
  return "plain";
}

const std::vector<Level>& available_levels() {
  static const std::vector<Level> levels = [] {
    std::vector<Level> found;
    for (Level level : {Level::kPlain, Level::kNeon, Level::kAvx2, Level::kAvx512}) {
      if (runs(level)) found.push_back(level);
    }
    return found;
  }();
  return levels;
}

Level active_level() {
  return current().load(std::memory_order_relaxed);
}

void force_level(Level level) {
  require(level);
  current().store(level, std::memory_order_relaxed);
}

std::string cpu_features() {
  std::string found;
  const auto add = [&found](bool has, const char* name) {
    if (has) found += (found.empty() ? "" : " ") + std::string(name);
  };
#if defined(__x86_64__)
  add(__builtin_cpu_supports("avx2"), "avx2");
  add(__builtin_cpu_supports("fma"), "fma");
  add(__builtin_cpu_supports("avx512f"), "avx512f");
  add(__builtin_cpu_supports("avx512bw"), "avx512bw");
  add(__builtin_cpu_supports("avx512vnni"), "avx512_vnni");
  add(__builtin_cpu_supports("avx512bf16"), "avx512_bf16");
  add(has_amx().int8, "amx_int8");
  add(has_amx().bfloat16, "amx_bf16");
#elif defined(__aarch64__)
  add(true, "neon");
#endif
  return found;
}

}  // namespace saev

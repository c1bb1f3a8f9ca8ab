// What `saev doctor` asks: versions, CPU features, threads, devices.

#include "bind/system.h"

#include <torch/version.h>

#include "bind/args.h"
#include "bind/guard.h"
#include "core/parallel.h"
#include "kernels/level.h"

#ifndef SAEV_FLAVOUR
#define SAEV_FLAVOUR "cpu"
#endif

namespace saev::bind {
namespace {

/// systemInfo() → { flavour, libtorch, cpuFeatures, level, levels, threads }
Napi::Value system_info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Array levels = Napi::Array::New(env);
  for (const Level level : available_levels()) levels.Set(levels.Length(), level_name(level));
  Napi::Object out = Napi::Object::New(env);
  out.Set("flavour", SAEV_FLAVOUR);
  out.Set("libtorch", TORCH_VERSION);
  out.Set("cpuFeatures", cpu_features());
  out.Set("level", level_name(active_level()));
  out.Set("levels", levels);
  out.Set("threads", num_threads());
  return out;
}

/// forceLevel(name): for tests and benchmarks.
Napi::Value force_level_by_name(const Napi::CallbackInfo& info) {
  const std::string name = string_of(info[0], "level");
  for (const Level level : available_levels()) {
    if (name == level_name(level)) {
      force_level(level);
      return info.Env().Undefined();
    }
  }
  throw Error(Code::kUnsupported, "level: this machine has no '" + name + "'");
}

}  // namespace

void register_system(Napi::Env env, Napi::Object exports) {
  export_function<system_info>(env, exports, "systemInfo");
  export_function<force_level_by_name>(env, exports, "forceLevel");
}

}  // namespace saev::bind

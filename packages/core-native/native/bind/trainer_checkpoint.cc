// Trainer.save and Trainer.restore: bindings beside those of trainer.cc.
#include "bind/trainer_checkpoint.h"

#include <string>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/promise_worker.h"
#include "bind/shared_trainer.h"

namespace saev::bind {
namespace {

TextPairs text_pairs(const Napi::Value& value) {
  const Napi::Object o = object_of(value, "metadata");
  TextPairs out;
  const Napi::Array names = o.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = string_of(names.Get(i), "a name in metadata");
    out.emplace_back(name, string_of(o.Get(name), name.c_str()));
  }
  return out;
}

struct Nothing {};

Napi::Value undefined(Napi::Env env, Nothing&) {
  return env.Undefined();
}

/// trainerSave(trainer, sae, path, metadata, control) → Promise<undefined>
Napi::Value save(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const int64_t sae = int_of(info[1], "sae");
  const std::string path = string_of(info[2], "path");
  const TextPairs metadata = text_pairs(info[3]);
  return run_job<Nothing>(
      info[4], "saev:train-save",
      [=](const Job& job) {
        const auto lock = shared->take();
        shared->trainer.save(sae, path, metadata, job);
        return Nothing{};
      },
      undefined);
}

/// trainerRestore(trainer, sae, path, control) → Promise<undefined>
Napi::Value restore_trainer(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const int64_t sae = int_of(info[1], "sae");
  const std::string path = string_of(info[2], "path");
  return run_job<Nothing>(
      info[3], "saev:train-restore",
      [=](const Job& job) {
        const auto lock = shared->take();
        shared->trainer.restore(sae, path, job);
        return Nothing{};
      },
      undefined);
}

/// trainerCanSave(trainer, sae) → boolean
Napi::Value can_save(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const auto lock = shared->take();
  return Napi::Boolean::New(info.Env(), shared->trainer.can_save(int_of(info[1], "sae")));
}

}  // namespace

void register_trainer_checkpoint(Napi::Env env, Napi::Object exports) {
  export_function<save>(env, exports, "trainerSave");
  export_function<restore_trainer>(env, exports, "trainerRestore");
  export_function<can_save>(env, exports, "trainerCanSave");
}

}  // namespace saev::bind

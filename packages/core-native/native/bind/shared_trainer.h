#pragma once
// The trainer behind a JavaScript handle.

#include <memory>
#include <mutex>

#include "bind/handle.h"
#include "core/error.h"
#include "sae/trainer.h"

namespace saev::bind {

inline constexpr const char* kTrainerKind = "Trainer";

/// A trainer belongs to one call at a time.
struct SharedTrainer {
  explicit SharedTrainer(int64_t d_vit) : trainer(d_vit) {}
  Trainer trainer;
  std::mutex mutex;

  std::unique_lock<std::mutex> take() {
    std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock.owns_lock()) {
      throw Error(Code::kInvalidArgument, "this trainer is in another call; wait for it to end");
    }
    return lock;
  }
};

inline std::shared_ptr<SharedTrainer> unwrap_trainer(const Napi::Value& value) {
  return unwrap<SharedTrainer>(value, kTrainerKind);
}

}  // namespace saev::bind

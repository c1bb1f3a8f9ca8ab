#pragma once

#include <napi.h>

#include "sae/trainer.h"

namespace saev::bind {

/// How one SAE is trained, as `NativeSaeTraining` of the TypeScript says it. Throws Code::kInvalidArgument,
/// naming the member.
SaeTraining sae_training_of(const Napi::Object& options);

}  // namespace saev::bind

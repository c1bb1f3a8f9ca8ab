#pragma once

#include <napi.h>

namespace saev::bind {
/// loadTextModel, textModelLogitScale, textModelEncode.
void register_text_model(Napi::Env env, Napi::Object exports);
}  // namespace saev::bind

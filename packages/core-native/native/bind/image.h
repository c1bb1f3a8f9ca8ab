#pragma once

#include <napi.h>

#include "image/transform.h"

namespace saev::bind {

/// Reads `{ mode, resizeHeight, resizeWidth, height, width, filter, mean, std }`.
Transform transform_of(const Napi::Value& value);

void register_image(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

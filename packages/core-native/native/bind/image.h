#pragma once

#include <ATen/core/Tensor.h>
#include <napi.h>

#include <cstdint>
#include <vector>

#include "image/transform.h"

namespace saev::bind {

/// Reads `{ mode, resizeHeight, resizeWidth, height, width, filter, mean, std }`.
Transform transform_of(const Napi::Value& value);

/// Throws Code::kShapeMismatch unless row `row` of `batch` takes what `t` makes.
void check_batch(const at::Tensor& batch, const Transform& t, int64_t row);
Napi::Value bytes_to_js(Napi::Env env, const std::vector<uint8_t>& bytes);

void register_image(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

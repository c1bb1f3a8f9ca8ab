#pragma once

#include <napi.h>

namespace saev::bind {
/// openTensorFile, tensorFileInfo, tensorFileGet, writeTensorFile, readPickledConfig.
void register_tensor_file(Napi::Env env, Napi::Object exports);
}  // namespace saev::bind

#pragma once

#include <napi.h>

namespace saev::bind {
void register_cuda(Napi::Env env, Napi::Object exports);
}  // namespace saev::bind

#pragma once
// A folder that one process at a time writes into.

#include <napi.h>

namespace saev::bind {

void register_folder_lock(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

#pragma once

#include <napi.h>

namespace saev::bind {

/// nearestRows(a, b, k, skipSelf, control) → Promise<{ index int32 [n, k], cosine float32 [n, k] }>
void register_nearest_rows(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

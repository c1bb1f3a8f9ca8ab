#pragma once
#include <napi.h>

namespace saev::bind {

/// preprocessJpegInto, decodeJpeg, jpegLibrary
void register_jpeg(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

// JPEG straight into a batch, or into pixels, on a thread of its own: Node's pool of four threads has no part
// in it.

#include "bind/jpeg.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/image.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"
#include "image/jpeg.h"

namespace saev::bind {
namespace {

/// A file's bytes, from JavaScript or from a path that is read here.
class JpegSource {
 public:
  explicit JpegSource(const Napi::Value& value) {
    if (value.IsString()) {
      path_ = string_of(value, "source");
      return;
    }
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      throw Error(Code::kInvalidArgument, "source: expected a path or a Uint8Array");
    }
    const auto array = value.As<Napi::Uint8Array>();
    bytes_ = {array.Data(), array.ByteLength()};
    keep_ = Napi::Persistent(value.As<Napi::Object>());
  }

  /// On the worker thread. Nothing for a file that cannot be read, too.
  std::optional<RgbImage> decode(int64_t max_pixels) {
    if (path_.empty()) return decode_jpeg(bytes_, max_pixels);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path_.c_str(), "rb"), std::fclose);
    std::array<uint8_t, 2> head{};
    if (!file || std::fread(head.data(), 1, 2, file.get()) != 2 || head[0] != 0xff || head[1] != 0xd8) {
      return std::nullopt;
    }
    std::vector<uint8_t> bytes(head.begin(), head.end());
    for (size_t got = 1; got > 0;) {
      const size_t size = bytes.size();
      if (size > kMostBytes) return std::nullopt;
      bytes.resize(size + std::max<size_t>(size, 1 << 18));
      got = std::fread(bytes.data() + size, 1, bytes.size() - size, file.get());
      bytes.resize(size + got);
    }
    if (std::ferror(file.get()) != 0) return std::nullopt;
    return decode_jpeg(bytes, max_pixels);
  }

 private:
  /// Larger files go to the general decoder.
  static constexpr size_t kMostBytes = size_t{1} << 30;
  std::string path_;
  std::span<const uint8_t> bytes_;
  Napi::ObjectReference keep_;
};

int64_t max_pixels_of(const Napi::Value& value) {
  const double most = number_of(value, "maxPixels");
  if (!(most >= 1)) throw Error(Code::kInvalidArgument, "maxPixels: expected a number of at least 1");
  return most < 9e15 ? static_cast<int64_t>(most) : int64_t{9'000'000'000'000'000};
}

/// As PreprocessInto, from a JPEG; its result says whether this decoder took it.
class JpegInto final : public PromiseWorker {
 public:
  JpegInto(JpegSource source, Transform t, at::Tensor batch, int64_t row, int64_t max_pixels)
      : source_(std::move(source)), t_(t), batch_(std::move(batch)), row_(row), max_pixels_(max_pixels) {}
  void execute(const Job&) override {
    const std::optional<RgbImage> image = source_.decode(max_pixels_);
    if (!image) return;
    preprocess(image->data.data(), image->height, image->width, t_,
               batch_.mutable_data_ptr<float>() + row_ * 3 * t_.height * t_.width);
    taken_ = true;
  }
  Napi::Value result(Napi::Env env) override { return Napi::Boolean::New(env, taken_); }

 private:
  JpegSource source_;
  Transform t_;
  at::Tensor batch_;
  int64_t row_, max_pixels_;
  bool taken_ = false;
};

/// preprocessJpegInto(source: string | Uint8Array, transform, batch: Tensor, row, maxPixels, control) →
/// Promise<boolean>: false for what `decodeImage` must look at.
Napi::Value preprocess_jpeg_into(const Napi::CallbackInfo& info) {
  JpegSource source(info[0]);
  const Transform t = transform_of(info[1]);
  check_transform(t);
  const at::Tensor batch = unwrap_tensor(info[2]);
  const int64_t row = int_of(info[3], "row");
  check_batch(batch, t, row);
  return PromiseWorker::start(
      info[5], std::make_unique<JpegInto>(std::move(source), t, batch, row, max_pixels_of(info[4])),
      "preprocess");
}

class DecodeJpeg final : public PromiseWorker {
 public:
  DecodeJpeg(JpegSource source, int64_t max_pixels) : source_(std::move(source)), max_pixels_(max_pixels) {}
  void execute(const Job&) override { out_ = source_.decode(max_pixels_); }
  Napi::Value result(Napi::Env env) override {
    if (!out_) return env.Null();
    Napi::Object image = Napi::Object::New(env);
    image.Set("data", bytes_to_js(env, out_->data));
    image.Set("width", static_cast<double>(out_->width));
    image.Set("height", static_cast<double>(out_->height));
    return image;
  }

 private:
  JpegSource source_;
  int64_t max_pixels_;
  std::optional<RgbImage> out_;
};

/// decodeJpeg(source: string | Uint8Array, maxPixels, control) → Promise<Pixels | null>
Napi::Value decode_jpeg_image(const Napi::CallbackInfo& info) {
  JpegSource source(info[0]);
  return PromiseWorker::start(
      info[2], std::make_unique<DecodeJpeg>(std::move(source), max_pixels_of(info[1])), "decodeJpeg");
}

/// jpegLibrary() → string; empty where this build has none
Napi::Value jpeg_library_name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), jpeg_library());
}

}  // namespace

void register_jpeg(Napi::Env env, Napi::Object exports) {
  export_function<preprocess_jpeg_into>(env, exports, "preprocessJpegInto");
  export_function<decode_jpeg_image>(env, exports, "decodeJpeg");
  export_function<jpeg_library_name>(env, exports, "jpegLibrary");
}

}  // namespace saev::bind

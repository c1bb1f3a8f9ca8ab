// Pixels in, resized pixels or a row of a batch out. JavaScript's bytes are read where they are: the job
// holds a reference to them, and to nothing else of JavaScript's.

#include "bind/image.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"

namespace saev::bind {
namespace {

/// `{ data: Uint8Array, width, height }`, RGB, kept alive until the job's object is deleted.
struct Pixels {
  const uint8_t* data;
  int64_t height, width;
  Napi::ObjectReference keep;

  explicit Pixels(const Napi::Value& value) {
    const Napi::Object object = object_of(value, "image");
    const Napi::Value bytes = field(object, "data");
    if (!bytes.IsTypedArray() || bytes.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      throw Error(Code::kInvalidArgument, "image.data: expected a Uint8Array");
    }
    const auto array = bytes.As<Napi::Uint8Array>();
    height = int_of(field(object, "height"), "image.height");
    width = int_of(field(object, "width"), "image.width");
    if (height < 1 || width < 1 || height > (int64_t{1} << 24) || width > (int64_t{1} << 24) ||
        static_cast<uint64_t>(height) * static_cast<uint64_t>(width) * 3 != array.ByteLength()) {
      throw Error(Code::kShapeMismatch, "image: " + std::to_string(width) + " × " + std::to_string(height) +
                                            " RGB pixels do not fit " + std::to_string(array.ByteLength()) +
                                            " bytes");
    }
    data = array.Data();
    keep = Napi::Persistent(bytes.As<Napi::Object>());
  }
};

Filter filter_of(const std::string& name) {
  if (name == "bicubic") return Filter::kBicubic;
  if (name == "bilinear") return Filter::kBilinear;
  throw Error(Code::kInvalidArgument, "filter: expected bicubic or bilinear, found '" + name + "'");
}

/// Writes `image` into row `row` of a batch [n, 3, height, width].
class PreprocessInto final : public PromiseWorker {
 public:
  PreprocessInto(Pixels pixels, Transform t, at::Tensor batch, int64_t row)
      : pixels_(std::move(pixels)), t_(t), batch_(std::move(batch)), row_(row) {}
  void execute(const Job&) override {
    preprocess(pixels_.data, pixels_.height, pixels_.width, t_,
               batch_.mutable_data_ptr<float>() + row_ * 3 * t_.height * t_.width);
  }
  Napi::Value result(Napi::Env env) override { return env.Undefined(); }

 private:
  Pixels pixels_;
  Transform t_;
  at::Tensor batch_;
  int64_t row_;
};

/// preprocessInto(image, transform, batch: Tensor, row, control) → Promise<void>
Napi::Value preprocess_into(const Napi::CallbackInfo& info) {
  Pixels pixels(info[0]);
  const Transform t = transform_of(info[1]);
  check_transform(t);
  const at::Tensor batch = unwrap_tensor(info[2]);
  const int64_t row = int_of(info[3], "row");
  check_batch(batch, t, row);
  return PromiseWorker::start(info[4], std::make_unique<PreprocessInto>(std::move(pixels), t, batch, row),
                              "preprocess");
}

/// Pixels in, pixels out.
class ResizeWorker final : public PromiseWorker {
 public:
  ResizeWorker(Pixels pixels, std::function<std::vector<uint8_t>(const Pixels&)> work)
      : pixels_(std::move(pixels)), work_(std::move(work)) {}
  void execute(const Job&) override { out_ = work_(pixels_); }
  Napi::Value result(Napi::Env env) override { return bytes_to_js(env, out_); }

 private:
  Pixels pixels_;
  std::function<std::vector<uint8_t>(const Pixels&)> work_;
  std::vector<uint8_t> out_;
};

/// resizeImage(image, height, width, filter, control) → Promise<Uint8Array>
Napi::Value resize_image(const Napi::CallbackInfo& info) {
  const int64_t height = int_of(info[1], "height"), width = int_of(info[2], "width");
  const Filter filter = filter_of(string_of(info[3], "filter"));
  if (height < 1 || width < 1 || height > 16384 || width > 16384) {
    throw Error(Code::kInvalidArgument, "resize: sizes must lie between 1 and 16384");
  }
  return PromiseWorker::start(
      info[4],
      std::make_unique<ResizeWorker>(Pixels(info[0]),
                                     [=](const Pixels& in) {
                                       std::vector<uint8_t> out(static_cast<size_t>(height * width * 3));
                                       resize_rgb(in.data, in.height, in.width, height, width, filter,
                                                  {0, 0, width, height}, out.data());
                                       return out;
                                     }),
      "resize");
}

/// cropImage(image, transform, control) → Promise<Uint8Array>: resized and cropped, not normalised.
Napi::Value crop_image(const Napi::CallbackInfo& info) {
  const Transform t = transform_of(info[1]);
  check_transform(t);
  return PromiseWorker::start(
      info[2],
      std::make_unique<ResizeWorker>(Pixels(info[0]),
                                     [t](const Pixels& in) {
                                       std::vector<uint8_t> out(static_cast<size_t>(t.height * t.width * 3));
                                       resize_and_crop(in.data, in.height, in.width, t, out.data());
                                       return out;
                                     }),
      "crop");
}

std::array<float, 3> three(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != 3) {
    throw Error(Code::kInvalidArgument, name + ": expected three numbers");
  }
  std::array<float, 3> out;
  for (uint32_t i = 0; i < 3; ++i) {
    out[i] = static_cast<float>(number_of(value.As<Napi::Array>().Get(i), name));
  }
  return out;
}

}  // namespace

Napi::Value bytes_to_js(Napi::Env env, const std::vector<uint8_t>& bytes) {
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(buffer.Data()));
  return Napi::Uint8Array::New(env, bytes.size(), buffer, 0);
}

void check_batch(const at::Tensor& batch, const Transform& t, int64_t row) {
  if (batch.dim() != 4 || batch.scalar_type() != at::kFloat || !batch.is_contiguous() || batch.size(1) != 3 ||
      batch.size(2) != t.height || batch.size(3) != t.width || row < 0 || row >= batch.size(0)) {
    throw Error(Code::kShapeMismatch, "batch: expected float32 [n > " + std::to_string(row) + ", 3, " +
                                          std::to_string(t.height) + ", " + std::to_string(t.width) +
                                          "], contiguous");
  }
}

Transform transform_of(const Napi::Value& value) {
  const Napi::Object object = object_of(value, "transform");
  const auto size = [&object](const char* name) { return int_of(field(object, name), name); };
  Transform t;
  const std::string mode = string_of(field(object, "mode"), "mode");
  if (mode == "shortest") {
    t.mode = ResizeMode::kShortest;
  } else if (mode == "squash") {
    t.mode = ResizeMode::kSquash;
  } else if (mode == "longest") {
    t.mode = ResizeMode::kLongest;
  } else {
    throw Error(Code::kInvalidArgument, "mode: expected shortest, squash or longest, found '" + mode + "'");
  }
  t.resize_height = size("resizeHeight");
  t.resize_width = size("resizeWidth");
  t.height = size("height");
  t.width = size("width");
  t.filter = filter_of(string_of(field(object, "filter"), "filter"));
  t.mean = three(field(object, "mean"), "mean");
  t.std = three(field(object, "std"), "std");
  const auto flag = [&object](const char* name) {
    return has(object, name) && bool_of(field(object, name), std::string("transform.") + name);
  };
  t.reciprocal = flag("reciprocal");
  t.crop_down = flag("cropDown");
  t.unrounded = flag("unrounded");
  return t;
}

void register_image(Napi::Env env, Napi::Object exports) {
  export_function<preprocess_into>(env, exports, "preprocessInto");
  export_function<resize_image>(env, exports, "resizeImage");
  export_function<crop_image>(env, exports, "cropImage");
}

}  // namespace saev::bind

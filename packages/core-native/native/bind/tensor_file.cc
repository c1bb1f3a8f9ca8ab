#include "bind/tensor_file.h"

#include <memory>
#include <string>
#include <vector>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"
#include "io/dtypes.h"
#include "io/pickled_config.h"
#include "io/safetensors.h"
#include "io/torch_archive.h"
#include "io/weight_files.h"

namespace saev::bind {
namespace {

constexpr const char* kFileKind = "TensorFile";

/// openTensorFile(path, offset, control) → Promise<handle>
Napi::Value open_file(const Napi::CallbackInfo& info) {
  const std::string path = string_of(info[0], "path");
  const int64_t offset = int_of(info[1], "offset");
  if (offset < 0) throw Error(Code::kInvalidArgument, "offset: expected 0 or more");
  return run_job<std::shared_ptr<TensorFile>>(
      info[2], "openTensorFile",
      [=](const Job&) {
        return std::shared_ptr<TensorFile>(open_tensor_file(path, static_cast<size_t>(offset)));
      },
      [](Napi::Env env, std::shared_ptr<TensorFile>& file) { return wrap(env, file, kFileKind); });
}

/// openWeightFiles(paths, control) → Promise<handle>
Napi::Value open_weights(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = strings_of(info[0], "paths");
  return run_job<std::shared_ptr<TensorFile>>(
      info[1], "openWeightFiles",
      [=](const Job&) { return std::shared_ptr<TensorFile>(open_weight_files(paths)); },
      [](Napi::Env env, std::shared_ptr<TensorFile>& file) { return wrap(env, file, kFileKind); });
}

/// tensorFileInfo(handle) → { names: string[], metadata: [string, string][] }
Napi::Value file_info(const Napi::CallbackInfo& info) {
  const auto file = unwrap<TensorFile>(info[0], kFileKind);
  Napi::Env env = info.Env();
  Napi::Array names = Napi::Array::New(env, file->names().size());
  for (uint32_t i = 0; i < file->names().size(); ++i) names.Set(i, file->names()[i]);
  Napi::Array metadata = Napi::Array::New(env);
  for (const auto& [key, value] : file->metadata()) {
    Napi::Array pair = Napi::Array::New(env, 2);
    pair.Set(0u, key);
    pair.Set(1u, value);
    metadata.Set(metadata.Length(), pair);
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("names", names);
  out.Set("metadata", metadata);
  return out;
}

/// tensorFileGet(handle, name) → handle of class "Tensor"
Napi::Value file_get(const Napi::CallbackInfo& info) {
  const auto file = unwrap<TensorFile>(info[0], kFileKind);
  const std::string name = string_of(info[1], "name");
  const at::Tensor tensor = file->tensor(name);
  const FileDtype* dtype = dtype_by_type(tensor.scalar_type());
  if (dtype == nullptr || !dtype->javascript) {
    throw Error(Code::kUnsupported, "tensor '" + name + "' has dtype " +
                                        (dtype == nullptr ? "unknown" : dtype->torch_name) +
                                        ", which has no form in JavaScript; convert it in Python");
  }
  return wrap_tensor(info.Env(), tensor);
}

/// readPickledConfig(bytes, where) → { name: string, fields: [string, string][] }
Napi::Value read_config(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throw Error(Code::kInvalidArgument, "bytes: expected a Uint8Array");
  const auto array = info[0].As<Napi::Uint8Array>();
  const PickledConfig config = read_pickled_config(
      {reinterpret_cast<const std::byte*>(array.Data()), array.ByteLength()}, string_of(info[1], "where"));
  Napi::Env env = info.Env();
  Napi::Array fields = Napi::Array::New(env);
  for (const auto& [name, value] : config.fields) {
    Napi::Array pair = Napi::Array::New(env, 2);
    pair.Set(0u, name);
    pair.Set(1u, value);
    fields.Set(fields.Length(), pair);
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("name", config.name);
  out.Set("fields", fields);
  return out;
}

struct WriteOptions {
  std::string path, format, header;
  NamedTensors tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
};

void write_file(const WriteOptions& o) {
  if (o.format == "safetensors") {
    write_safetensors(o.path, o.tensors, o.metadata);
  } else {
    const ArchiveRoot root = o.format == "torch-tensor"         ? ArchiveRoot::kTensor
                             : o.format == "torch-ordered-dict" ? ArchiveRoot::kOrderedDict
                                                                : ArchiveRoot::kDict;
    write_torch_archive(o.path, o.tensors, root, o.header);
  }
}

/// writeTensorFile(path, { format, names, tensors, header?, metadata? }, control) → Promise<undefined>;
/// format: "safetensors", "torch-tensor", "torch-dict" or "torch-ordered-dict".
Napi::Value write_file_async(const Napi::CallbackInfo& info) {
  WriteOptions o;
  o.path = string_of(info[0], "path");
  const Napi::Object options = object_of(info[1], "options");
  o.format = string_of(field(options, "format"), "format");
  if (o.format != "safetensors" && o.format != "torch-tensor" && o.format != "torch-dict" &&
      o.format != "torch-ordered-dict") {
    throw Error(Code::kInvalidArgument, "format: unknown '" + o.format + "'");
  }
  const auto names = strings_of(field(options, "names"), "names");
  const Napi::Value tensors = field(options, "tensors");
  if (!tensors.IsArray() || tensors.As<Napi::Array>().Length() != names.size()) {
    throw Error(Code::kInvalidArgument, "tensors: expected one for each name");
  }
  for (uint32_t i = 0; i < names.size(); ++i) {
    o.tensors.emplace_back(names[i], unwrap_tensor(tensors.As<Napi::Array>().Get(i)));
  }
  if (has(options, "header")) o.header = string_of(field(options, "header"), "header");
  if (has(options, "metadata")) {
    const auto flat = strings_of(field(options, "metadata"), "metadata");
    for (size_t i = 0; i + 1 < flat.size(); i += 2) o.metadata.emplace_back(flat[i], flat[i + 1]);
  }
  return run_job<bool>(
      info[2], "writeTensorFile",
      [o = std::move(o)](const Job& job) {
        job.check_abort();
        write_file(o);
        return true;
      },
      [](Napi::Env env, bool&) { return env.Undefined(); });
}

}  // namespace

void register_tensor_file(Napi::Env env, Napi::Object exports) {
  export_function<open_file>(env, exports, "openTensorFile");
  export_function<open_weights>(env, exports, "openWeightFiles");
  export_function<file_info>(env, exports, "tensorFileInfo");
  export_function<file_get>(env, exports, "tensorFileGet");
  export_function<write_file_async>(env, exports, "writeTensorFile");
  export_function<read_config>(env, exports, "readPickledConfig");
}

}  // namespace saev::bind

#include "bind/shard_writer.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"
#include "io/shard_scan.h"
#include "io/shard_writer.h"

namespace saev::bind {
namespace {

constexpr const char* kWriterKind = "ShardWriter";

/// JavaScript may start a second call before the first ends. A job lets go of the writer when its work is
/// done, not when the promise machinery is collected: the folder's lock must end with `dispose`.
struct SharedWriter {
  SharedWriter(const std::string& folder, const std::string& metadata, const ShardLayout& layout,
               const std::string& compute_dtype)
      : writer(folder, metadata, layout, compute_dtype) {
    note();
  }
  /// After every change: so that asking never waits for the disk.
  void note() {
    const std::lock_guard lock(info_mutex);
    next_image = writer.next_image();
    complete = writer.complete();
    holes = writer.holes();
  }

  std::mutex mutex;
  ShardWriter writer;
  std::mutex info_mutex;
  int64_t next_image = 0;
  bool complete = false;
  std::vector<int64_t> holes;
};

ShardLayout layout_of(const Napi::Value& value) {
  const Napi::Object o = object_of(value, "layout");
  ShardLayout layout;
  layout.n_imgs = int_of(field(o, "nImgs"), "nImgs");
  layout.n_layers = int_of(field(o, "nLayers"), "nLayers");
  layout.n_tokens = int_of(field(o, "nTokens"), "nTokens");
  layout.d_vit = int_of(field(o, "dVit"), "dVit");
  layout.n_imgs_per_shard = int_of(field(o, "nImgsPerShard"), "nImgsPerShard");
  layout.dtype = stored_dtype_of(string_of(field(o, "dtype"), "dtype"));
  return layout;
}

/// openShardWriter(folder, metadataText, layout, computeDtype, control) → Promise<handle>
Napi::Value open_writer(const Napi::CallbackInfo& info) {
  const std::string folder = string_of(info[0], "folder"), metadata = string_of(info[1], "metadata");
  const ShardLayout layout = layout_of(info[2]);
  const std::string dtype = string_of(info[3], "computeDtype");
  if (dtype != "float32" && dtype != "bfloat16") {
    throw Error(Code::kInvalidArgument, "computeDtype: expected float32 or bfloat16, found '" + dtype + "'");
  }
  return run_job<std::shared_ptr<SharedWriter>>(
      info[4], "openShardWriter",
      [=](const Job&) { return std::make_shared<SharedWriter>(folder, metadata, layout, dtype); },
      [](Napi::Env env, std::shared_ptr<SharedWriter>& writer) {
        return wrap(env, std::move(writer), kWriterKind);
      });
}

/// shardWriterInfo(handle) → { nextImage, complete, holes }
Napi::Value writer_info(const Napi::CallbackInfo& info) {
  const auto shared = unwrap<SharedWriter>(info[0], kWriterKind);
  const std::lock_guard lock(shared->info_mutex);
  Napi::Array holes = Napi::Array::New(info.Env());
  for (const int64_t image : shared->holes) holes.Set(holes.Length(), static_cast<double>(image));
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("nextImage", static_cast<double>(shared->next_image));
  out.Set("complete", shared->complete);
  out.Set("holes", holes);
  return out;
}

/// shardWriterWrite(handle, acts: Tensor handle, holes: number[], control) → Promise<undefined>
Napi::Value writer_write(const Napi::CallbackInfo& info) {
  auto shared = unwrap<SharedWriter>(info[0], kWriterKind);
  const at::Tensor acts = unwrap_tensor(info[1]);
  const auto holes = ints_of(info[2], "holes");
  const ShardLayout& l = shared->writer.layout();
  if (acts.scalar_type() != at::kFloat || acts.dim() != 4 || acts.size(1) != l.n_layers ||
      acts.size(2) != l.n_tokens || acts.size(3) != l.d_vit) {
    throw Error(Code::kShapeMismatch, "activations: expected float32 [images, " + std::to_string(l.n_layers) +
                                          ", " + std::to_string(l.n_tokens) + ", " + std::to_string(l.d_vit) +
                                          "], found another shape or dtype");
  }
  return run_job<bool>(
      info[3], "shardWriterWrite",
      [shared = shared, acts, holes](const Job& job) mutable {
        const auto own = std::move(shared);
        job.check_abort();
        const at::Tensor contiguous = acts.cpu().contiguous();
        const std::lock_guard lock(own->mutex);
        own->writer.write(contiguous.const_data_ptr<float>(), contiguous.size(0), holes);
        own->note();
        return true;
      },
      [](Napi::Env env, bool&) { return env.Undefined(); });
}

template <void (ShardWriter::*method)()>
Napi::Value writer_call(const Napi::CallbackInfo& info) {
  auto shared = unwrap<SharedWriter>(info[0], kWriterKind);
  return run_job<bool>(
      info[1], "shardWriter",
      [shared = shared](const Job&) mutable {
        const auto own = std::move(shared);
        const std::lock_guard lock(own->mutex);
        (own->writer.*method)();
        own->note();
        return true;
      },
      [](Napi::Env env, bool&) { return env.Undefined(); });
}

/// shardWriterAdopt(handle, images, holes: number[], sums: string[], control) → Promise<undefined>; sums are
/// the shards' digests in hex, in order.
Napi::Value writer_adopt(const Napi::CallbackInfo& info) {
  auto shared = unwrap<SharedWriter>(info[0], kWriterKind);
  const int64_t images = int_of(info[1], "images");
  const auto holes = ints_of(info[2], "holes");
  if (!info[3].IsArray()) throw Error(Code::kInvalidArgument, "sums: expected an array");
  const auto array = info[3].As<Napi::Array>();
  Checksums sums;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    std::string hex = string_of(array.Get(i), "sums");
    if (hex.size() != 64 || hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
      throw Error(Code::kInvalidArgument, "sums: expected SHA-256 digests in hex");
    }
    sums[i] = std::move(hex);
  }
  return run_job<bool>(
      info[4], "shardWriterAdopt",
      [shared = shared, images, holes, sums](const Job&) mutable {
        const auto own = std::move(shared);
        const std::lock_guard lock(own->mutex);
        own->writer.adopt(images, holes, sums);
        own->note();
        return true;
      },
      [](Napi::Env env, bool&) { return env.Undefined(); });
}

/// scanShards(files: { path, images, hash }[], bytesPerImg, dtype, threads, control) → Promise<ShardScan[]>
Napi::Value scan(const Napi::CallbackInfo& info) {
  if (!info[0].IsArray()) throw Error(Code::kInvalidArgument, "files: expected an array");
  const auto array = info[0].As<Napi::Array>();
  std::vector<ShardToScan> files;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Object o = object_of(array.Get(i), "files");
    files.push_back({.path = string_of(field(o, "path"), "path"),
                     .images = int_of(field(o, "images"), "images"),
                     .hash = bool_of(field(o, "hash"), "hash")});
  }
  const int64_t bytes_per_img = int_of(info[1], "bytesPerImg");
  const StoredDtype dtype = stored_dtype_of(string_of(info[2], "dtype"));
  const int threads = static_cast<int>(std::clamp<int64_t>(int_of(info[3], "threads"), 1, 1024));
  return run_job<std::vector<ShardScan>>(
      info[4], "scanShards",
      [files, bytes_per_img, dtype, threads](const Job& job) {
        return scan_shards(files, bytes_per_img, dtype, threads, job);
      },
      [](Napi::Env env, std::vector<ShardScan>& scans) {
        Napi::Array out = Napi::Array::New(env, scans.size());
        for (uint32_t i = 0; i < scans.size(); ++i) {
          const ShardScan& s = scans[i];
          Napi::Array zero_images = Napi::Array::New(env);
          for (const int64_t image : s.zero_images) {
            zero_images.Set(zero_images.Length(), static_cast<double>(image));
          }
          Napi::Object o = Napi::Object::New(env);
          o.Set("error", s.error);
          o.Set("bytes", static_cast<double>(s.bytes));
          o.Set("sha256", s.sha256);
          o.Set("nonFinite", static_cast<double>(s.non_finite));
          o.Set("firstNonFinite", static_cast<double>(s.first_non_finite));
          o.Set("zeroImages", zero_images);
          o.Set("paddingNonZero", static_cast<double>(s.padding_non_zero));
          out.Set(i, o);
        }
        return out;
      });
}

}  // namespace

void register_shard_writer(Napi::Env env, Napi::Object exports) {
  export_function<open_writer>(env, exports, "openShardWriter");
  export_function<writer_info>(env, exports, "shardWriterInfo");
  export_function<writer_write>(env, exports, "shardWriterWrite");
  export_function<writer_call<&ShardWriter::checkpoint>>(env, exports, "shardWriterCheckpoint");
  export_function<writer_call<&ShardWriter::finish>>(env, exports, "shardWriterFinish");
  export_function<writer_adopt>(env, exports, "shardWriterAdopt");
  export_function<scan>(env, exports, "scanShards");
}

}  // namespace saev::bind

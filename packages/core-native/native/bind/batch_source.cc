#include "bind/batch_source.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"
#include "io/exclusive_source.h"
#include "io/memory_source.h"
#include "io/numpy_random.h"
#include "io/prefetch_source.h"
#include "io/shard_source.h"
#include "io/shuffle_buffer_source.h"

namespace saev::bind {

Scaling scaling_of(const Napi::Object& o, int64_t d) {
  Scaling out;
  out.clamp = static_cast<float>(number_of(field(o, "clamp"), "clamp"));
  if (!(out.clamp > 0)) throw Error(Code::kInvalidArgument, "clamp: expected a number above 0");
  out.scalar = static_cast<float>(number_of(field(o, "scalar"), "scalar"));
  if (!(out.scalar > 0)) throw Error(Code::kInvalidArgument, "scalar: expected a number above 0");
  if (d <= 0 || d > (int64_t{1} << 31)) throw Error(Code::kInvalidArgument, "dVit: expected a positive size");
  if (has(o, "actMean")) {
    const at::Tensor mean = unwrap_tensor(field(o, "actMean"));
    if (mean.scalar_type() != at::kFloat || mean.numel() != d) {
      throw Error(Code::kShapeMismatch, "act_mean: expected " + std::to_string(d) +
                                            " float32 values (d_vit), found " + std::to_string(mean.numel()));
    }
    const at::Tensor values = mean.contiguous();
    out.act_mean.assign(values.const_data_ptr<float>(), values.const_data_ptr<float>() + d);
  } else {
    out.act_mean.assign(static_cast<size_t>(d), 0.F);
  }
  return out;
}

Patches patches_of(const std::string& name) {
  if (name == "cls") return Patches::kCls;
  if (name == "patches") return Patches::kPatches;
  if (name == "meanpool") return Patches::kMeanPool;
  throw Error(Code::kInvalidArgument, "patches: expected cls, patches or meanpool, found '" + name + "'");
}

Layers layers_of(const std::string& name) {
  if (name == "one") return Layers::kOne;
  if (name == "all") return Layers::kAll;
  if (name == "meanpool") return Layers::kMeanPool;
  throw Error(Code::kInvalidArgument, "layers: expected one, all or meanpool, found '" + name + "'");
}

Napi::Value wrap_source(Napi::Env env, std::unique_ptr<BatchSource> source) {
  return wrap<BatchSource>(env, std::make_shared<ExclusiveSource>(std::move(source)), kBatchSourceKind);
}

Napi::Object scaling_to_js(Napi::Env env, const Scaling& scaling, const ScalingReport& report) {
  Napi::Object out = Napi::Object::New(env);
  const auto& mean = scaling.act_mean;
  out.Set("actMean", array_tensor(env, mean.data(), {static_cast<int64_t>(mean.size())}, at::kFloat));
  out.Set("scalar", scaling.scalar);
  out.Set("nSamples", static_cast<double>(report.n_samples));
  out.Set("largestSample", report.largest);
  return out;
}

namespace {

at::Tensor tensor_of(const std::vector<int64_t>& values) {
  at::Tensor out = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  if (!values.empty()) std::memcpy(out.mutable_data_ptr(), values.data(), values.size() * sizeof(int64_t));
  return out;
}

std::shared_ptr<BatchSource> unwrap_source(const Napi::Value& value) {
  return unwrap<BatchSource>(value, kBatchSourceKind);
}

Order order_of(const std::string& name) {
  if (name == "ordered") return Order::kOrdered;
  if (name == "shuffled") return Order::kShuffled;
  throw Error(Code::kInvalidArgument, "order: expected ordered or shuffled, found '" + name + "'");
}

struct OpenOptions {
  RecordedShards shards;
  RowChoice choice;
  Scaling scaling;
  ScalingRequest request;
  Order order;
  uint64_t seed;
  int64_t buffer;  ///< rows; 0: read where the shuffled order leads
  int threads;
  bool prefetch;
  int64_t images_per_block;
};

OpenOptions open_options(const Napi::Object& o) {
  const auto count = [&o](const char* name) { return int_of(field(o, name), name); };
  OpenOptions out;
  out.shards = {.dir = string_of(field(o, "dir"), "dir"),
                .layout = {.n_imgs = count("nImgs"),
                           .n_layers = count("nLayers"),
                           .n_tokens = count("nTokens"),
                           .d_vit = count("dVit"),
                           .n_imgs_per_shard = count("imgsPerShard"),
                           .dtype = stored_dtype_of(string_of(field(o, "dtype"), "dtype"))},
                .cls_token = bool_of(field(o, "clsToken"), "clsToken"),
                .short_last = bool_of(field(o, "shortLast"), "shortLast")};
  out.choice.patches = patches_of(string_of(field(o, "patches"), "patches"));
  out.choice.layers = layers_of(string_of(field(o, "layers"), "layers"));
  out.choice.layer = count("layer");
  out.choice.left_out = ints_of(field(o, "leftOut"), "leftOut");
  std::sort(out.choice.left_out.begin(), out.choice.left_out.end());
  out.scaling = scaling_of(o, out.shards.layout.d_vit);
  out.request = {.compute_mean = bool_of(field(o, "computeMean"), "computeMean"),
                 .compute_scalar = bool_of(field(o, "computeScalar"), "computeScalar"),
                 .n_random_samples = count("nRandomSamples")};
  out.order = order_of(string_of(field(o, "order"), "order"));
  out.seed = static_cast<uint64_t>(count("seed"));
  out.buffer = count("buffer");
  if (out.buffer != 0 && out.order != Order::kShuffled) {
    throw Error(Code::kInvalidArgument, "buffer: rows in order need none; leave it out");
  }
  if (out.buffer < 0 || out.buffer == 1) {
    throw Error(Code::kInvalidArgument,
                "buffer: expected 0 or at least 2 rows, found " + std::to_string(out.buffer));
  }
  out.threads = static_cast<int>(std::clamp<int64_t>(count("threads"), 1, 1024));
  out.prefetch = bool_of(field(o, "prefetch"), "prefetch");
  out.images_per_block = count("imagesPerBlock");
  if (out.images_per_block < 0)
    throw Error(Code::kInvalidArgument, "imagesPerBlock: expected 0 (all) or more");
  return out;
}

struct Opened {
  std::unique_ptr<BatchSource> source;
  Scaling scaling;
  ScalingReport report;
};

Opened open_source(const OpenOptions& o, const Job& job) {
  auto shards = std::make_shared<const ShardReader>(o.shards);
  auto rows = std::make_shared<const RowView>(*shards, o.choice);
  Opened opened;
  opened.scaling = o.scaling;
  opened.report = compute_scaling(*rows, o.request, opened.scaling, job);
  if (o.buffer > 0) {
    // More rows than there are would be memory for nothing.
    const int64_t buffer = std::min(o.buffer, std::max<int64_t>(2, 2 * rows->length()));
    opened.source =
        std::make_unique<ShuffleBufferSource>(shards, rows, opened.scaling, buffer, o.seed, o.threads);
  } else {
    opened.source = std::make_unique<ShardSource>(shards, rows, opened.scaling, o.order, o.seed, o.threads,
                                                  o.images_per_block);
  }
  if (o.prefetch) opened.source = std::make_unique<PrefetchSource>(std::move(opened.source));
  return opened;
}

/// shardSourceOpen(control, options) → Promise<{ source, actMean, scalar, nSamples, largestSample }>
Napi::Value shard_source_open(const Napi::CallbackInfo& info) {
  const OpenOptions options = open_options(object_of(info[1], "options"));
  return run_job<Opened>(
      info[0], "shardSourceOpen", [options](const Job& job) { return open_source(options, job); },
      [](Napi::Env env, Opened& opened) {
        Napi::Object out = scaling_to_js(env, opened.scaling, opened.report);
        out.Set("source", wrap_source(env, std::move(opened.source)));
        return out;
      });
}

/// memorySource(rows: Tensor [n, dim] float32, order: number[]) → handle; an empty order means every row
/// once.
Napi::Value memory_source(const Napi::CallbackInfo& info) {
  const at::Tensor rows = unwrap_tensor(info[0]);
  if (rows.dim() != 2 || rows.scalar_type() != at::kFloat || rows.numel() == 0) {
    throw Error(Code::kShapeMismatch, "rows: expected a float32 tensor [n, dim] that is not empty");
  }
  const at::Tensor values = rows.contiguous();
  return wrap_source(info.Env(), std::make_unique<MemorySource>(values.const_data_ptr<float>(), rows.size(0),
                                                                rows.size(1), ints_of(info[1], "order")));
}

/// batchSourceInfo(source) → { dim, length }
Napi::Value batch_source_info(const Napi::CallbackInfo& info) {
  const auto source = unwrap_source(info[0]);
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("dim", static_cast<double>(source->dim()));
  out.Set("length", static_cast<double>(source->length()));
  return out;
}

/// The batch's own memory as a tensor [rows, dim]; when the last tensor on it goes, `pool` gets it back.
at::Tensor hand_over(Batch& batch, const std::shared_ptr<BufferPool>& pool) {
  auto array = std::make_shared<AlignedArray<float>>(std::move(batch.acts));
  float* data = array->data();
  return at::from_blob(
      data, {batch.rows, batch.dim}, [array, pool](void*) { pool->give(std::move(*array)); }, at::kFloat);
}

/// batchSourceNext(control, source, maxRows) → Promise<{ acts, index, imageI, patchI } | null>
Napi::Value batch_source_next(const Napi::CallbackInfo& info) {
  const auto source = unwrap_source(info[1]);
  const auto pool = std::static_pointer_cast<ExclusiveSource>(source)->pool();
  const int64_t max_rows = int_of(info[2], "maxRows");
  return run_job<Batch>(
      info[0], "batchSourceNext",
      [source, pool, max_rows](const Job& job) {
        const int64_t rows = std::min(max_rows, source->length());
        Batch batch;
        if (rows > 0) batch.acts = pool->take(static_cast<size_t>(rows * source->dim()));
        source->next(batch, rows, job);
        return batch;
      },
      [pool](Napi::Env env, Batch& batch) -> Napi::Value {
        if (batch.rows == 0) {
          pool->give(std::move(batch.acts));
          return env.Null();
        }
        Napi::Object out = Napi::Object::New(env);
        out.Set("acts", wrap_tensor(env, hand_over(batch, pool)));
        out.Set("index", wrap_tensor(env, tensor_of(batch.index)));
        out.Set("imageI", wrap_tensor(env, tensor_of(batch.image_i)));
        out.Set("patchI", wrap_tensor(env, tensor_of(batch.patch_i)));
        return out;
      });
}

Napi::Value batch_source_reset(const Napi::CallbackInfo& info) {
  unwrap_source(info[0])->reset();
  return info.Env().Undefined();
}

/// batchSourceState(source) → string
Napi::Value batch_source_state(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), unwrap_source(info[0])->state());
}

/// batchSourceRestore(source, state)
Napi::Value batch_source_restore(const Napi::CallbackInfo& info) {
  unwrap_source(info[0])->restore(string_of(info[1], "state"));
  return info.Env().Undefined();
}

/// numpyPermutation(control, seed, n, count) → Promise<Tensor int64 [count]>
Napi::Value numpy_permutation_tensor(const Napi::CallbackInfo& info) {
  const int64_t seed = int_of(info[1], "seed"), n = int_of(info[2], "n"), count = int_of(info[3], "count");
  if (seed < 0) throw Error(Code::kInvalidArgument, "seed: expected 0 or more");
  return run_job<at::Tensor>(
      info[0], "numpyPermutation",
      [=](const Job&) { return tensor_of(numpy_permutation(static_cast<uint64_t>(seed), n, count)); },
      [](Napi::Env env, at::Tensor& order) { return wrap_tensor(env, order); });
}

}  // namespace

void register_batch_source(Napi::Env env, Napi::Object exports) {
  export_function<shard_source_open>(env, exports, "shardSourceOpen");
  export_function<memory_source>(env, exports, "memorySource");
  export_function<batch_source_info>(env, exports, "batchSourceInfo");
  export_function<batch_source_next>(env, exports, "batchSourceNext");
  export_function<batch_source_reset>(env, exports, "batchSourceReset");
  export_function<batch_source_state>(env, exports, "batchSourceState");
  export_function<batch_source_restore>(env, exports, "batchSourceRestore");
  export_function<numpy_permutation_tensor>(env, exports, "numpyPermutation");
}

}  // namespace saev::bind

#include "bind/top_k.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "bind/args.h"
#include "bind/batch_source.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/sparse_autoencoder.h"
#include "bind/tensor.h"
#include "core/parallel.h"
#include "stats/accumulate.h"
#include "stats/top_k.h"
#include "stats/write_top_values.h"

namespace saev::bind {
namespace {

constexpr const char* kTopKKind = "TopKAccumulator";

std::shared_ptr<TopKAccumulator> unwrap_top_k(const Napi::Value& value) {
  return unwrap<TopKAccumulator>(value, kTopKKind);
}

TopKOptions top_k_options(const Napi::Object& o) {
  TopKOptions out;
  const std::string sort_by = string_of(field(o, "sortBy"), "sortBy");
  if (sort_by == "cls") {
    out.sort_by = SortBy::kCls;
  } else if (sort_by == "img") {
    out.sort_by = SortBy::kImg;
  } else if (sort_by == "patch") {
    out.sort_by = SortBy::kPatch;
  } else {
    throw Error(Code::kInvalidArgument, "sortBy: expected cls, img or patch, found '" + sort_by + "'");
  }
  out.top_k = int_of(field(o, "topK"), "topK");
  out.patches = int_of(field(o, "patches"), "patches");
  out.n_distributions = int_of(field(o, "nDistributions"), "nDistributions");
  out.max_distribution_bytes = int_of(field(o, "maxDistributionBytes"), "maxDistributionBytes");
  out.max_exact_values = int_of(field(o, "maxExactValues"), "maxExactValues");
  out.seed = static_cast<uint64_t>(int_of(field(o, "seed"), "seed"));
  out.examples.per_latent = int_of(field(o, "nExamples"), "nExamples");
  out.examples.images = int_of(field(o, "nSampledImages"), "nSampledImages");
  if (has(o, "dSae")) out.d_sae = int_of(field(o, "dSae"), "dSae");
  if (has(o, "rows")) out.rows = int_of(field(o, "rows"), "rows");
  return out;
}

at::Tensor cpu_tensor(const Napi::Value& value, const char* name, at::ScalarType type, int64_t dims) {
  const at::Tensor t = unwrap_tensor(value).cpu().contiguous();
  if (t.scalar_type() != type || t.dim() != dims) {
    throw Error(Code::kShapeMismatch, std::string(name) + ": expected a " + at::toString(type) +
                                          " tensor of " + std::to_string(dims) + " dimensions, found " +
                                          at::toString(t.scalar_type()) + " of " + std::to_string(t.dim()));
  }
  return t;
}

/// topKCreate({ sortBy, dSae, topK, patches, rows, nDistributions, maxDistributionBytes, maxExactValues, seed
/// })
Napi::Value top_k_create(const Napi::CallbackInfo& info) {
  const Napi::Object o = object_of(info[0], "options");
  return wrap(info.Env(), std::make_shared<TopKAccumulator>(top_k_options(o)), kTopKKind);
}

/// topKAdd(handle, f_x float32 [rows, d_sae], image_i int64 [rows], patch_i int64 [rows] | undefined)
Napi::Value top_k_add(const Napi::CallbackInfo& info) {
  const auto acc = unwrap_top_k(info[0]);
  const at::Tensor f_x = cpu_tensor(info[1], "f_x", at::kFloat, 2);
  const at::Tensor image = cpu_tensor(info[2], "image_i", at::kLong, 1);
  at::Tensor patch;
  if (!info[3].IsUndefined()) patch = cpu_tensor(info[3], "patch_i", at::kLong, 1);
  SparseBatch batch;
  batch.rows = f_x.size(0);
  batch.d_sae = f_x.size(1);
  batch.row_start.push_back(0);
  const auto* p = f_x.const_data_ptr<float>();
  for (int64_t r = 0; r < batch.rows; ++r) {
    for (int64_t l = 0; l < batch.d_sae; ++l) {
      const float v = p[r * batch.d_sae + l];
      if (v == 0) continue;
      batch.latent.push_back(static_cast<int32_t>(l));
      batch.value.push_back(v);
    }
    batch.row_start.push_back(static_cast<int64_t>(batch.latent.size()));
  }
  auto ints = [](const at::Tensor& t) {
    return t.defined() ? std::span(t.const_data_ptr<int64_t>(), static_cast<size_t>(t.size(0)))
                       : std::span<const int64_t>();
  };
  acc->add(batch, ints(image), ints(patch));
  return info.Env().Undefined();
}

/// topKFinish(handle)
Napi::Value top_k_finish(const Napi::CallbackInfo& info) {
  unwrap_top_k(info[0])->finish();
  return info.Env().Undefined();
}

/// topKInfo(handle) → { dSae, rows, images, topK, patches, percentileError, distributionColumns, … }
Napi::Value top_k_info(const Napi::CallbackInfo& info) {
  const auto acc = finished_top_k(info[0]);
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("dSae", static_cast<double>(acc->options().d_sae));
  out.Set("rows", static_cast<double>(acc->rows()));
  out.Set("images", static_cast<double>(acc->images()));
  out.Set("topK", static_cast<double>(acc->top_k()));
  out.Set("patches", static_cast<double>(acc->options().patches));
  out.Set("percentileError", acc->percentile_error());
  out.Set("distributionColumns", static_cast<double>(acc->distribution_columns()));
  out.Set("distributionsSampled", acc->distributions_sampled());
  return out;
}

/// topKTables(handle, percentile) → { topScores, topImgI, topPatchI, firings, sums, meanValues, sparsity,
/// maxValues, percentiles, distributions }
Napi::Value top_k_tables(const Napi::CallbackInfo& info) {
  const auto acc = finished_top_k(info[0]);
  const double percentile = number_of(info[1], "percentile");
  const int64_t d_sae = acc->options().d_sae, k = acc->top_k();
  const auto rows = static_cast<double>(acc->rows());
  at::Tensor scores = at::empty({d_sae, k}, at::kFloat), images = at::empty({d_sae, k}, at::kLong),
             patches = at::empty({d_sae, k}, at::kLong), firings = at::empty({d_sae}, at::kLong),
             means = at::empty({d_sae}, at::kFloat), sparsity = at::empty({d_sae}, at::kFloat),
             largest = at::empty({d_sae}, at::kFloat), percentiles = at::empty({d_sae}, at::kFloat);
  auto* score = scores.mutable_data_ptr<float>();
  auto* image = images.mutable_data_ptr<int64_t>();
  auto* patch = patches.mutable_data_ptr<int64_t>();
  for (int64_t l = 0; l < d_sae; ++l) {
    for (const TopImage& top : acc->top(l)) {
      *score++ = static_cast<float>(top.score);
      *image++ = top.image;
      *patch++ = top.top_patch;
    }
    const LatentTotals& totals = acc->totals(l);
    firings.mutable_data_ptr<int64_t>()[l] = totals.firings;
    means.mutable_data_ptr<float>()[l] =
        totals.firings > 0 ? static_cast<float>(totals.sum / static_cast<double>(totals.firings))
                           : std::numeric_limits<float>::quiet_NaN();
    sparsity.mutable_data_ptr<float>()[l] =
        rows > 0 ? static_cast<float>(static_cast<double>(totals.firings) / rows) : 0.0F;
    largest.mutable_data_ptr<float>()[l] = acc->values(l).max();
    percentiles.mutable_data_ptr<float>()[l] = acc->percentile(l, percentile);
  }
  // Up to 1 GiB: the tensor lies on the statistics' own memory and keeps them alive.
  const at::Tensor distributions = at::from_blob(
      const_cast<float*>(acc->distributions().data()),
      {acc->options().n_distributions, acc->distribution_columns()}, [acc](void*) {}, at::kFloat);
  Napi::Env env = info.Env();
  Napi::Object out = Napi::Object::New(env);
  out.Set("topScores", wrap_tensor(env, scores));
  out.Set("topImgI", wrap_tensor(env, images));
  out.Set("topPatchI", wrap_tensor(env, patches));
  out.Set("firings", wrap_tensor(env, firings));
  out.Set("meanValues", wrap_tensor(env, means));
  out.Set("sparsity", wrap_tensor(env, sparsity));
  out.Set("maxValues", wrap_tensor(env, largest));
  out.Set("percentiles", wrap_tensor(env, percentiles));
  out.Set("distributions", wrap_tensor(env, distributions));
  return out;
}

int64_t latent_of(const TopKAccumulator& acc, const Napi::Value& value) {
  const int64_t latent = int_of(value, "latent");
  if (latent < 0 || latent >= acc.options().d_sae) {
    throw Error(Code::kInvalidArgument, "latent: expected 0 to " + std::to_string(acc.options().d_sae - 1) +
                                            ", found " + std::to_string(latent));
  }
  return latent;
}

/// topKPatchValues(handle, latent) → Tensor float32 [topK, patches]
Napi::Value top_k_patch_values(const Napi::CallbackInfo& info) {
  const auto acc = finished_top_k(info[0]);
  const int64_t latent = latent_of(*acc, info[1]);
  at::Tensor out = at::zeros({acc->top_k(), acc->options().patches}, at::kFloat);
  fill_patch_values(*acc, latent, std::span(out.mutable_data_ptr<float>(), static_cast<size_t>(out.numel())));
  return wrap_tensor(info.Env(), out);
}

/// topKHistogram(handle, latent, bins) → { log10, lo, hi, counts } of firing values
Napi::Value top_k_histogram(const Napi::CallbackInfo& info) {
  const auto acc = finished_top_k(info[0]);
  const ValueSketch& values = acc->values(latent_of(*acc, info[1]));
  const int64_t bins = int_of(info[2], "bins");
  const bool log10 = values.count() > 0 && values.min() > 0;
  const double lo = log10 ? std::log10(static_cast<double>(values.min())) : static_cast<double>(values.min());
  const double hi = log10 ? std::log10(static_cast<double>(values.max())) : static_cast<double>(values.max());
  Napi::Env env = info.Env();
  Napi::Array counts = Napi::Array::New(env);
  for (const int64_t n : values.histogram(lo, hi, bins, log10))
    counts.Set(counts.Length(), static_cast<double>(n));
  Napi::Object out = Napi::Object::New(env);
  out.Set("log10", log10);
  out.Set("lo", lo);
  out.Set("hi", hi);
  out.Set("counts", counts);
  return out;
}

/// topKFiringPercentile(handle, latent, p) → percentile of a latent over the rows where it fires; NaN when
/// never
Napi::Value top_k_firing_percentile(const Napi::CallbackInfo& info) {
  const auto acc = finished_top_k(info[0]);
  const ValueSketch& values = acc->values(latent_of(*acc, info[1]));
  const double p = number_of(info[2], "p");
  if (!(p >= 0 && p <= 100)) throw Error(Code::kInvalidArgument, "p: expected 0 to 100");
  if (values.count() == 0) return Napi::Number::New(info.Env(), std::numeric_limits<double>::quiet_NaN());
  const auto rank = static_cast<int64_t>(std::ceil(p * static_cast<double>(values.count()) / 100.0)) - 1;
  return Napi::Number::New(
      info.Env(), static_cast<double>(values.select(std::clamp<int64_t>(rank, 0, values.count() - 1), 0)));
}

/// topKWriteValues(handle, path, control) → Promise: top_values.pt, streamed
Napi::Value top_k_write_values(const Napi::CallbackInfo& info) {
  const auto acc = finished_top_k(info[0]);
  const std::string path = string_of(info[1], "path");
  return run_job<bool>(
      info[2], "topKWriteValues",
      [acc, path](const Job& job) {
        write_top_values(*acc, path, job);
        return true;
      },
      [](Napi::Env env, bool&) { return env.Undefined(); });
}

/// accumulateTopK(source, sae, { …topKCreate, topkBatchSize, saeBatchSize }, control) → Promise<handle>
Napi::Value accumulate_top_k_job(const Napi::CallbackInfo& info) {
  const auto source = unwrap<BatchSource>(info[0], kBatchSourceKind);
  const auto encoder = unwrap_encoder(info[1]);
  const Napi::Object o = object_of(info[2], "options");
  AccumulateOptions options;
  options.top_k = top_k_options(o);
  options.topk_batch_size = int_of(field(o, "topkBatchSize"), "topkBatchSize");
  options.sae_batch_size = int_of(field(o, "saeBatchSize"), "saeBatchSize");
  return run_job<std::shared_ptr<TopKAccumulator>>(
      info[3], "accumulateTopK",
      [source, encoder, options](const Job& job) {
        return accumulate_top_k(*source, *encoder, options, job);
      },
      [](Napi::Env env, std::shared_ptr<TopKAccumulator>& acc) {
        return wrap(env, std::move(acc), kTopKKind);
      });
}

}  // namespace

std::shared_ptr<TopKAccumulator> finished_top_k(const Napi::Value& value) {
  auto acc = unwrap_top_k(value);
  if (!acc->finished())
    throw Error(Code::kInvalidArgument, "these statistics are not finished; call finish first");
  return acc;
}

void register_top_k(Napi::Env env, Napi::Object exports) {
  export_function<top_k_create>(env, exports, "topKCreate");
  export_function<top_k_add>(env, exports, "topKAdd");
  export_function<top_k_finish>(env, exports, "topKFinish");
  export_function<top_k_info>(env, exports, "topKInfo");
  export_function<top_k_tables>(env, exports, "topKTables");
  export_function<top_k_patch_values>(env, exports, "topKPatchValues");
  export_function<top_k_histogram>(env, exports, "topKHistogram");
  export_function<top_k_firing_percentile>(env, exports, "topKFiringPercentile");
  export_function<top_k_write_values>(env, exports, "topKWriteValues");
  export_function<accumulate_top_k_job>(env, exports, "accumulateTopK");
}

}  // namespace saev::bind

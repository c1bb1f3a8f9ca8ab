// Statistics over latents as the Python package of June 2025 makes them.
#include "stats/legacy_top_k.h"
#include "bind/args.h"
#include "bind/batch_source.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/sparse_autoencoder.h"
#include "bind/tensor.h"
#include "bind/top_k.h"

namespace saev::bind {
namespace {

/// legacyTopK(source, sae, options, control) → Promise<{ topValues, topImgI, meanValues, sparsity, … }>
Napi::Value legacy_top_k_job(const Napi::CallbackInfo& info) {
  const auto source = unwrap<BatchSource>(info[0], kBatchSourceKind);
  const auto encoder = unwrap_encoder(info[1]);
  const Napi::Object o = object_of(info[2], "options");
  const auto count = [&o](const char* name) { return int_of(field(o, name), name); };
  LegacyOptions options;
  options.patches = bool_of(field(o, "patches"), "patches");
  options.top_k = count("topK");
  options.patches_per_image = count("patchesPerImage");
  options.n_distributions = count("nDistributions");
  options.percentile = count("percentile");
  options.topk_batch_size = count("topkBatchSize");
  options.sae_batch_size = count("saeBatchSize");
  return run_job<LegacyTables>(
      info[3], "legacyTopK",
      [source, encoder, options](const Job& job) { return legacy_top_k(*source, *encoder, options, job); },
      [](Napi::Env env, LegacyTables& tables) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("topValues", wrap_tensor(env, tables.top_values));
        out.Set("topImgI", wrap_tensor(env, tables.top_img_i));
        out.Set("meanValues", wrap_tensor(env, tables.mean_values));
        out.Set("sparsity", wrap_tensor(env, tables.sparsity));
        out.Set("distributions", wrap_tensor(env, tables.distributions));
        out.Set("percentiles", wrap_tensor(env, tables.percentiles));
        return out;
      });
}

/// legacyPercentiles(x float32 [steps, …], percentile, total, lr) → estimates after each step, same shape
Napi::Value legacy_percentiles(const Napi::CallbackInfo& info) {
  const at::Tensor x = unwrap_tensor(info[0]).cpu().contiguous();
  if (x.scalar_type() != at::kFloat || x.dim() < 1)
    throw Error(Code::kShapeMismatch, "x: expected float32 [steps, …]");
  LegacyPercentile estimator(int_of(info[1], "percentile"), int_of(info[2], "total"),
                             number_of(info[3], "lr"), x.sizes().slice(1));
  at::Tensor out = at::empty(x.sizes(), at::kFloat);
  for (int64_t i = 0; i < x.size(0); ++i) {
    estimator.update(x.select(0, i));
    out.select(0, i).copy_(estimator.estimate());
  }
  return wrap_tensor(info.Env(), out);
}

}  // namespace

void register_legacy_top_k(Napi::Env env, Napi::Object exports) {
  export_function<legacy_top_k_job>(env, exports, "legacyTopK");
  export_function<legacy_percentiles>(env, exports, "legacyPercentiles");
}

}  // namespace saev::bind

#include "sae/evaluate.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <string>

#include "bind/args.h"
#include "bind/batch_source.h"
#include "bind/evaluation_sums.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/sparse_autoencoder.h"
#include "bind/tensor.h"
#include "bind/trainer.h"
#include "sae/mean_squared_err.h"

namespace saev::bind {
namespace {

/// saeEvaluate(sae, source, { batchSize, batchMeans, almostDeadThreshold, denseThreshold, prefixes },
/// control) → Promise<figures>
Napi::Value sae_evaluate(const Napi::CallbackInfo& info) {
  const auto sae = unwrap_sparse_autoencoder(info[0]);
  const auto source = unwrap<BatchSource>(info[1], kBatchSourceKind);
  const Napi::Object o = object_of(info[2], "options");
  EvaluateOptions options;
  options.batch_size = int_of(o.Get("batchSize"), "batchSize");
  options.batch_means = bool_of(o.Get("batchMeans"), "batchMeans");
  options.thresholds = thresholds_of(o);
  options.prefixes = ints_of(o.Get("prefixes"), "prefixes");
  return run_job<Evaluation>(
      info[3], "saev:evaluate",
      [sae, source, options](const Job& job) { return evaluate(*sae, *source, options, job); },
      evaluation_to_js);
}

/// meanSquaredErr(xHat [rows, dim], x, norm) → [rows, dim]
Napi::Value mse(const Napi::CallbackInfo& info) {
  const at::Tensor x_hat = unwrap_tensor(info[0]).contiguous(), x = unwrap_tensor(info[1]).contiguous();
  const bool norm = bool_of(info[2], "norm");
  if (x.dim() != 2 || x.sizes() != x_hat.sizes() || x.scalar_type() != at::kFloat ||
      x_hat.scalar_type() != at::kFloat) {
    throw Error(Code::kShapeMismatch, "expected two float32 tensors [rows, dim] of the same shape");
  }
  at::Tensor out = at::empty(x.sizes(), at::kFloat);
  mean_squared_err(x_hat.const_data_ptr<float>(), x.const_data_ptr<float>(), x.size(0), x.size(1), norm,
                   out.mutable_data_ptr<float>());
  return wrap_tensor(info.Env(), out);
}

}  // namespace

void register_evaluate(Napi::Env env, Napi::Object exports) {
  export_function<sae_evaluate>(env, exports, "saeEvaluate");
  export_function<mse>(env, exports, "meanSquaredErr");
}

}  // namespace saev::bind

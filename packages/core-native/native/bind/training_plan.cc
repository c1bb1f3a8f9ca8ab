// What is asked before training: where it starts from, how many steps it takes, what its schedules are.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstring>
#include <string>

#include "bind/args.h"
#include "bind/batch_source.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/sparse_autoencoder.h"
#include "bind/tensor.h"
#include "bind/trainer.h"
#include "sae/batch_limiter.h"
#include "sae/init.h"
#include "sae/layout.h"
#include "sae/prefixes.h"

namespace saev::bind {

Decay decay_of(const Napi::Value& value) {
  const std::string name = string_of(value, "decay");
  if (name == "constant") return Decay::kConstant;
  if (name == "linear") return Decay::kLinear;
  if (name == "cosine") return Decay::kCosine;
  throw Error(Code::kInvalidArgument, "decay: expected constant, linear or cosine, found " + name);
}

namespace {

/// blend_rows with the arguments that it comes with from JavaScript.
void blend(std::vector<float>& w_dec, int64_t d_vit, const Napi::Value& rows_value,
           const Napi::Value& mean_value, const Napi::Value& share_value) {
  const at::Tensor rows = unwrap_tensor(rows_value).contiguous(),
                   mean = unwrap_tensor(mean_value).contiguous();
  if (rows.dim() != 2 || rows.size(0) < 1 || rows.size(1) != d_vit || rows.scalar_type() != at::kFloat ||
      mean.dim() != 1 || mean.size(0) != d_vit || mean.scalar_type() != at::kFloat) {
    throw Error(Code::kShapeMismatch, "rows and mean: expected float32 tensors [n, " + std::to_string(d_vit) +
                                          "] and [" + std::to_string(d_vit) + "]");
  }
  const double share = number_of(share_value, "share");
  if (!(share >= 0 && share <= 1))
    throw Error(Code::kInvalidArgument,
                "share: expected a number from 0 to 1, found " + std::to_string(share));
  blend_rows(w_dec, rows.const_data_ptr<float>(), rows.size(0), mean.const_data_ptr<float>(), d_vit, share);
}

at::Tensor vector_tensor(const std::vector<float>& values, std::vector<int64_t> shape) {
  at::Tensor t = at::empty(shape, at::kFloat);
  if (!values.empty()) std::memcpy(t.mutable_data_ptr(), values.data(), values.size() * sizeof(float));
  return t;
}

/// initialParams(dVit, dSae, seed, tied, rows [n, d_vit] or null, mean [d_vit] or null, share) → { wEnc,
/// bEnc, wDec, bDec }
Napi::Value initial(const Napi::CallbackInfo& info) {
  const int64_t d_vit = int_of(info[0], "dVit"), d_sae = int_of(info[1], "dSae");
  const int64_t seed = int_of(info[2], "seed");
  Layout(d_vit, d_sae, Level::kPlain);  // checks the sizes
  Params start = initial_params(d_vit, d_sae, static_cast<uint64_t>(seed));
  if (!info[4].IsNull()) blend(start.w_dec, d_vit, info[4], info[5], info[6]);
  if (bool_of(info[3], "tied")) tie_encoder(start);
  return params_to_js(info.Env(), std::move(start));
}

/// blendRows(wDec [d_sae, d_vit], rows [n, d_vit], mean [d_vit], share) → [d_sae, d_vit]
Napi::Value blend_start(const Napi::CallbackInfo& info) {
  const at::Tensor w = unwrap_tensor(info[0]);
  if (w.dim() != 2 || w.scalar_type() != at::kFloat || w.numel() < 1)
    throw Error(Code::kShapeMismatch, "wDec: expected a float32 tensor [d_sae, d_vit]");
  const at::Tensor c = w.contiguous();
  std::vector<float> out(c.const_data_ptr<float>(), c.const_data_ptr<float>() + c.numel());
  blend(out, c.size(1), info[1], info[2], info[3]);
  return wrap_tensor(info.Env(), vector_tensor(out, {c.size(0), c.size(1)}));
}

/// sampleRows(source, n, k, seed, control) → Promise<{ mean [d_vit], rows [min(n, k), d_vit] }>
Napi::Value sample(const Napi::CallbackInfo& info) {
  const auto source = unwrap<BatchSource>(info[0], kBatchSourceKind);
  const int64_t n = int_of(info[1], "n"), k = int_of(info[2], "k"), seed = int_of(info[3], "seed");
  if (k < 0) throw Error(Code::kInvalidArgument, "k: expected 0 or more rows, found " + std::to_string(k));
  return run_job<RowSample>(
      info[4], "saev:sample",
      [source, n, k, seed](const Job& job) {
        return sample_rows(*source, n, k, static_cast<uint64_t>(seed), job);
      },
      [](Napi::Env env, RowSample& s) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        const auto dim = static_cast<int64_t>(s.mean.size());
        out.Set("mean", wrap_tensor(env, vector_tensor(s.mean, {dim})));
        out.Set("rows", wrap_tensor(env, vector_tensor(s.rows, {s.n, dim})));
        return out;
      });
}

/// plannedBatches(nRows, batchSize, nPatches, most) → rows of each batch of a run
Napi::Value planned(const Napi::CallbackInfo& info) {
  const int64_t n_rows = int_of(info[0], "nRows"), batch = int_of(info[1], "batchSize"),
                n_patches = int_of(info[2], "nPatches"), most = int_of(info[3], "most");
  Napi::Array out = Napi::Array::New(info.Env());
  uint32_t n = 0;
  for_each_planned_batch(n_rows, batch, n_patches, [&](int64_t rows) {
    if (static_cast<int64_t>(n) >= most) return false;
    out.Set(n++, static_cast<double>(rows));
    return true;
  });
  return out;
}

/// plannedSteps(nRows, batchSize, nPatches) → steps of a run
Napi::Value planned_steps(const Napi::CallbackInfo& info) {
  const int64_t n = saev::planned_steps(int_of(info[0], "nRows"), int_of(info[1], "batchSize"),
                                        int_of(info[2], "nPatches"));
  return Napi::Number::New(info.Env(), static_cast<double>(n));
}

/// learningRate(peak, nWarmup, decay, nSteps, step) → value used in that step
Napi::Value learning_rate(const Napi::CallbackInfo& info) {
  const LearningRate rate(number_of(info[0], "peak"), int_of(info[1], "nWarmup"), decay_of(info[2]),
                          int_of(info[3], "nSteps"));
  return Napi::Number::New(info.Env(), rate.at(int_of(info[4], "step")));
}

/// warmup(initial, final, nSteps, step) → value used in that step
Napi::Value warmup(const Napi::CallbackInfo& info) {
  const Warmup w(number_of(info[0], "initial"), number_of(info[1], "final"), int_of(info[2], "nSteps"));
  return Napi::Number::New(info.Env(), w.at(int_of(info[3], "step")));
}

/// warmupCosine(initial, nWarmup, peak, nSteps, final, step) → value used in that step
Napi::Value warmup_cosine(const Napi::CallbackInfo& info) {
  const WarmupCosine w(number_of(info[0], "initial"), int_of(info[1], "nWarmup"), number_of(info[2], "peak"),
                       int_of(info[3], "nSteps"), number_of(info[4], "final"));
  return Napi::Number::New(info.Env(), w.at(int_of(info[5], "step")));
}

/// drawPrefixes(dSae, n, asPublished, seed, step) → lengths
Napi::Value draw(const Napi::CallbackInfo& info) {
  const int64_t d_sae = int_of(info[0], "dSae"), n = int_of(info[1], "n");
  Layout(1, d_sae, Level::kPlain);  // checks the size
  const auto form = bool_of(info[2], "asPublished") ? PrefixForm::kPublished : PrefixForm::kPythonPackage;
  const auto prefixes =
      draw_prefixes(d_sae, n, form, static_cast<uint64_t>(int_of(info[3], "seed")), int_of(info[4], "step"));
  Napi::Array out = Napi::Array::New(info.Env());
  for (size_t i = 0; i < prefixes.size(); ++i)
    out.Set(static_cast<uint32_t>(i), static_cast<double>(prefixes[i]));
  return out;
}

}  // namespace

void register_training_plan(Napi::Env env, Napi::Object exports) {
  export_function<warmup_cosine>(env, exports, "warmupCosine");
  export_function<draw>(env, exports, "drawPrefixes");
  export_function<initial>(env, exports, "initialParams");
  export_function<blend_start>(env, exports, "blendRows");
  export_function<sample>(env, exports, "sampleRows");
  export_function<planned_steps>(env, exports, "plannedSteps");
  export_function<learning_rate>(env, exports, "learningRate");
  export_function<planned>(env, exports, "plannedBatches");
  export_function<warmup>(env, exports, "warmup");
}

}  // namespace saev::bind

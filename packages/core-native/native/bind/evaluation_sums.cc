// The JavaScript class EvaluationSums: an evaluation that goes on batch by batch, and hands out latents.
#include "bind/evaluation_sums.h"

#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/sparse_autoencoder.h"
#include "bind/tensor.h"
#include "stats/row_cosines.h"

namespace saev::bind {
namespace {

constexpr const char* kSumsKind = "EvaluationSums";

/// Sums, the scratch of their batches, and who uses them.
struct SharedSums {
  SharedSums(int64_t d_vit, int64_t d_sae, std::vector<int64_t> prefixes)
      : sums(d_vit, d_sae, std::move(prefixes)) {}
  EvaluationSums sums;
  SparseAutoencoder::Scratch scratch;
  std::mutex mutex;

  std::unique_lock<std::mutex> take() {
    std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock) {
      throw Error(Code::kInvalidArgument, "another call adds to this evaluation; wait for its promise first");
    }
    return lock;
  }
};

std::shared_ptr<SharedSums> unwrap_sums(const Napi::Value& value) {
  return unwrap<SharedSums>(value, kSumsKind);
}

template <typename T>
Napi::Value list(Napi::Env env, const std::vector<T>& values, at::ScalarType dtype) {
  return array_tensor(env, values.data(), {static_cast<int64_t>(values.size())}, dtype);
}

/// evaluationSums(dVit, dSae, prefixes) → handle
Napi::Value create_sums(const Napi::CallbackInfo& info) {
  const int64_t d_vit = int_of(info[0], "dVit"), d_sae = int_of(info[1], "dSae");
  auto shared = std::make_shared<SharedSums>(d_vit, d_sae, ints_of(info[2], "prefixes"));
  return wrap(info.Env(), std::move(shared), kSumsKind, 24 * (d_vit + d_sae));
}

/// evaluationAdd(sums, sae, x [rows, dVit], control) → Promise<{ rowStart, latent, value }>
Napi::Value add_batch(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_sums(info[0]);
  const auto sae = unwrap_sparse_autoencoder(info[1]);
  const at::Tensor x = rows_of(info[2], "x", sae->d_vit());
  return run_job<SparseBatch>(
      info[3], "saev:evaluation-add",
      [=](const Job& job) {
        const auto lock = shared->take();
        SparseBatch out;
        shared->sums.add(*sae, x.const_data_ptr<float>(), x.size(0), shared->scratch, job);
        if (x.size(0) == 0) {
          out.row_start = {0};
          return out;
        }
        to_sparse_batch(shared->scratch.encode.lists, sae->d_sae(), out);
        return out;
      },
      sparse_batch_to_js);
}

/// evaluationFigures(sums, { almostDeadThreshold, denseThreshold }) → figures
Napi::Value figures(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_sums(info[0]);
  const FrequencyThresholds thresholds = thresholds_of(object_of(info[1], "options"));
  const auto lock = shared->take();
  Evaluation found = shared->sums.figures(thresholds);
  return evaluation_to_js(info.Env(), found);
}

/// evaluationState(sums) → float64 [n]
Napi::Value sums_state(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_sums(info[0]);
  const auto lock = shared->take();
  return list(info.Env(), shared->sums.state(), at::kDouble);
}

/// evaluationRestore(sums, state float64 [n])
Napi::Value restore_sums(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_sums(info[0]);
  const at::Tensor from = unwrap_tensor(info[1]).contiguous();
  if (from.dim() != 1 || from.scalar_type() != at::kDouble) {
    throw Error(Code::kShapeMismatch, "expected the state of an evaluation, a float64 tensor [n]");
  }
  const double* data = from.const_data_ptr<double>();
  const auto lock = shared->take();
  shared->sums.restore({data, data + from.numel()});
  return info.Env().Undefined();
}

Napi::Value cosines_to_js(Napi::Env env, const RowCosines& found) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("largest", list(env, found.largest, at::kFloat));
  out.Set("magnitude", list(env, found.magnitude, at::kFloat));
  return out;
}

/// rowCosines(a [n, d], columns, control) → Promise<{ largest, magnitude }>; of its columns when `columns`
Napi::Value cosines(const Napi::CallbackInfo& info) {
  const at::Tensor given = unwrap_tensor(info[0]);
  const bool columns = bool_of(info[1], "columns");
  if (given.dim() != 2) throw Error(Code::kShapeMismatch, "expected a float32 matrix");
  const at::Tensor a = columns ? given.t() : given;
  return run_job<RowCosines>(
      info[2], "saev:row-cosines", [a](const Job& job) { return row_cosines(a, job); },
      [](Napi::Env env, RowCosines& found) { return cosines_to_js(env, found); });
}

}  // namespace

FrequencyThresholds thresholds_of(const Napi::Object& options) {
  FrequencyThresholds out;
  out.almost_dead = number_of(options.Get("almostDeadThreshold"), "almostDeadThreshold");
  out.dense = number_of(options.Get("denseThreshold"), "denseThreshold");
  return out;
}

Napi::Value evaluation_to_js(Napi::Env env, Evaluation& e) {
  Napi::Object out = Napi::Object::New(env);
  const auto number = [&](const char* name, auto value) { out.Set(name, static_cast<double>(value)); };
  number("nRows", e.n_rows);
  number("l0", e.l0);
  number("l1", e.l1);
  number("mse", e.mse);
  number("explainedVariance", e.explained_variance);
  number("normalizedMse", e.normalized_mse);
  number("squaredError", e.squared_error);
  number("squaredDeviation", e.squared_deviation);
  number("cosine", e.cosine);
  number("l2Ratio", e.l2_ratio);
  number("relativeBias", e.relative_bias);
  number("nDead", e.n_dead);
  number("nAlmostDead", e.n_almost_dead);
  number("nDense", e.n_dense);
  number("nOver1Percent", e.n_over_1_percent);
  number("nOver10Percent", e.n_over_10_percent);
  Napi::Array prefixes = Napi::Array::New(env, e.prefixes.size());
  for (size_t p = 0; p < e.prefixes.size(); ++p) {
    Napi::Object one = Napi::Object::New(env);
    one.Set("length", static_cast<double>(e.prefixes[p].length));
    one.Set("mse", e.prefixes[p].mse);
    one.Set("explainedVariance", e.prefixes[p].explained_variance);
    prefixes.Set(static_cast<uint32_t>(p), one);
  }
  out.Set("prefixes", prefixes);
  out.Set("mean", list(env, e.mean, at::kFloat));
  out.Set("firings", list(env, e.firings, at::kLong));
  out.Set("freqs", list(env, e.freqs, at::kFloat));
  out.Set("meanValues", list(env, e.mean_values, at::kFloat));
  out.Set("maxValues", list(env, e.max_values, at::kFloat));
  return out;
}

void register_evaluation_sums(Napi::Env env, Napi::Object exports) {
  export_function<create_sums>(env, exports, "evaluationSums");
  export_function<add_batch>(env, exports, "evaluationAdd");
  export_function<figures>(env, exports, "evaluationFigures");
  export_function<sums_state>(env, exports, "evaluationState");
  export_function<restore_sums>(env, exports, "evaluationRestore");
  export_function<cosines>(env, exports, "rowCosines");
}

}  // namespace saev::bind

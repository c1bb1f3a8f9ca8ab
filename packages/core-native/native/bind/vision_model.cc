#include "bind/vision_model.h"

#include <memory>
#include <string>
#include <vector>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"
#include "vit/continue_from.h"
#include "vit/measure_products.h"
#include "vit/position_interpolation.h"
#include "vit/vision_model.h"

namespace saev::bind {
namespace {

const char* pool_name(Pool pool) {
  switch (pool) {
    case Pool::kCls:
      return "cls";
    case Pool::kFirstTwo:
      return "first two";
    case Pool::kMean:
      return "mean";
    case Pool::kAttention:
      return "attention";
    default:
      return "none";
  }
}

Precision precision_of(const std::string& name) {
  if (name == "float32") return Precision::kFloat32;
  if (name == "bfloat16") return Precision::kBfloat16;
  throw Error(Code::kInvalidArgument, "computeDtype: expected float32 or bfloat16, found '" + name + "'");
}

/// visionModelPrepare(handle, computeDtype, control) → Promise<void>
Napi::Value model_prepare(const Napi::CallbackInfo& info) {
  const auto model = unwrap<VisionModel>(info[0], kVisionKind);
  const Precision precision = precision_of(string_of(info[1], "computeDtype"));
  return run_job<bool>(
      info[2], "prepare",
      [=](const Job&) {
        model->prepare(precision);
        return true;
      },
      [](Napi::Env env, bool&) { return env.Undefined(); });
}

/// interpolatePositions(table: Tensor, { rows, columns, antialias, offset }) → Tensor handle
Napi::Value interpolated_positions(const Napi::CallbackInfo& info) {
  const Napi::Object to = object_of(info[1], "to");
  PositionInterpolation p;
  p.rows = int_of(field(to, "rows"), "rows");
  p.columns = int_of(field(to, "columns"), "columns");
  p.antialias = bool_of(field(to, "antialias"), "antialias");
  p.offset = number_of(field(to, "offset"), "offset");
  const at::Tensor out = interpolate_positions(unwrap_tensor(info[0]), p);
  return wrap_tensor(info.Env(), out);
}

/// visionModelInfo(handle) → { nLayers, dVit, nPatches, clsToken, nRegisters, height, width,
///                           pool, projected, dEmbedding }
Napi::Value model_info(const Napi::CallbackInfo& info) {
  const auto model = unwrap<VisionModel>(info[0], kVisionKind);
  const VisionShape& s = model->shape();
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("nLayers", static_cast<double>(s.n_layers));
  out.Set("dVit", static_cast<double>(s.d_vit));
  out.Set("nPatches", static_cast<double>(s.n_patches));
  out.Set("clsToken", s.has_cls);
  out.Set("nRegisters", static_cast<double>(s.n_registers));
  out.Set("height", static_cast<double>(s.height));
  out.Set("width", static_cast<double>(s.width));
  out.Set("pool", pool_name(model->head().pool()));
  out.Set("projected", model->head().projected());
  out.Set("dEmbedding", static_cast<double>(model->head().width()));
  return out;
}

/// visionModelRecord(handle, input: Tensor, layers: number[], control) → Promise<Tensor handle>
Napi::Value model_record(const Napi::CallbackInfo& info) {
  const auto model = unwrap<VisionModel>(info[0], kVisionKind);
  const at::Tensor input = unwrap_tensor(info[1]);
  const std::vector<int64_t> layers = ints_of(info[2], "layers");
  return run_job<at::Tensor>(
      info[3], "record", [=](const Job& job) { return record(*model, input, layers, job); },
      [](Napi::Env env, at::Tensor& out) { return wrap_tensor(env, out); });
}

/// visionModelEmbed(handle, input: Tensor, control) → Promise<Tensor handle>
Napi::Value model_embed(const Napi::CallbackInfo& info) {
  const auto model = unwrap<VisionModel>(info[0], kVisionKind);
  const at::Tensor input = unwrap_tensor(info[1]);
  return run_job<at::Tensor>(
      info[2], "embed", [=](const Job&) { return embedded(*model, input); },
      [](Napi::Env env, at::Tensor& out) { return wrap_tensor(env, out); });
}

/// visionModelResidual(handle, input: Tensor, layer, control) → Promise<Tensor handle>
Napi::Value model_residual(const Napi::CallbackInfo& info) {
  const auto model = unwrap<VisionModel>(info[0], kVisionKind);
  const at::Tensor input = unwrap_tensor(info[1]);
  const int64_t layer = int_of(info[2], "layer");
  return run_job<at::Tensor>(
      info[3], "residual", [=](const Job& job) { return residual(*model, input, layer, job); },
      [](Napi::Env env, at::Tensor& out) { return wrap_tensor(env, out); });
}

/// visionModelContinue(handle, residual: Tensor, replacement: Tensor | undefined, layer, control) →
/// Promise<{ tokens, embedding: Tensor handle | undefined }>
Napi::Value model_continue(const Napi::CallbackInfo& info) {
  const auto model = unwrap<VisionModel>(info[0], kVisionKind);
  const at::Tensor stream = unwrap_tensor(info[1]);
  const at::Tensor replacement = info[2].IsUndefined() ? at::Tensor() : unwrap_tensor(info[2]);
  const int64_t layer = int_of(info[3], "layer");
  return run_job<Outputs>(
      info[4], "continueFrom",
      [=](const Job& job) { return continue_from(*model, stream, replacement, layer, job); },
      [](Napi::Env env, Outputs& outputs) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("tokens", wrap_tensor(env, outputs.tokens));
        if (outputs.embedding.defined()) out.Set("embedding", wrap_tensor(env, outputs.embedding));
        return out;
      });
}

/// measureProducts(rows, nIn, nOut, control) → Promise<{ peak, library, ours, bfloat16 }>, GFLOP/s
Napi::Value measured_products(const Napi::CallbackInfo& info) {
  const int64_t rows = int_of(info[0], "rows"), n_in = int_of(info[1], "nIn"),
                n_out = int_of(info[2], "nOut");
  return run_job<ProductRates>(
      info[3], "measureProducts", [=](const Job& job) { return measure_products(rows, n_in, n_out, job); },
      [](Napi::Env env, ProductRates& rates) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("peak", rates.peak);
        out.Set("library", rates.library);
        out.Set("ours", rates.ours);
        out.Set("bfloat16", rates.bfloat16);
        return out;
      });
}

}  // namespace

void register_vision_model(Napi::Env env, Napi::Object exports) {
  export_function<interpolated_positions>(env, exports, "interpolatePositions");
  export_function<model_info>(env, exports, "visionModelInfo");
  export_function<measured_products>(env, exports, "measureProducts");
  export_function<model_prepare>(env, exports, "visionModelPrepare");
  export_function<model_record>(env, exports, "visionModelRecord");
  export_function<model_embed>(env, exports, "visionModelEmbed");
  export_function<model_residual>(env, exports, "visionModelResidual");
  export_function<model_continue>(env, exports, "visionModelContinue");
}

}  // namespace saev::bind

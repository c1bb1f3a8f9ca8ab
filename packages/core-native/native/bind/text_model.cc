#include "bind/text_model.h"

#include <memory>
#include <string>
#include <vector>

#include "bind/args.h"
#include "bind/gelu.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"
#include "text/text_model.h"

namespace saev::bind {
namespace {

constexpr const char* kTextKind = "TextModel";

TextPool pool_of_text(const std::string& name) {
  if (name == "first") return TextPool::kFirst;
  if (name == "last") return TextPool::kLast;
  if (name == "largest") return TextPool::kLargest;
  if (name == "end") return TextPool::kEnd;
  throw Error(Code::kInvalidArgument, "pool: expected first, last, largest or end, found '" + name + "'");
}

TextProjection projection_of(const std::string& name) {
  if (name == "none") return TextProjection::kNone;
  if (name == "matrix") return TextProjection::kMatrix;
  if (name == "linear") return TextProjection::kLinear;
  throw Error(Code::kInvalidArgument, "projection: expected none, matrix or linear, found '" + name + "'");
}

TextConfig config_of(const Napi::Value& value) {
  const Napi::Object object = object_of(value, "config");
  const auto size = [&object](const char* name) { return int_of(field(object, name), name); };
  TextConfig c;
  c.context = size("context");
  c.vocabulary = size("vocabulary");
  c.width = size("width");
  c.n_layers = size("nLayers");
  c.heads = size("heads");
  c.hidden = size("hidden");
  c.embedding = size("embedding");
  c.eps = static_cast<float>(number_of(field(object, "eps"), "eps"));
  c.gelu = gelu_of(string_of(field(object, "gelu"), "gelu"));
  c.causal = bool_of(field(object, "causal"), "causal");
  c.layer_scale = bool_of(field(object, "layerScale"), "layerScale");
  c.pool = pool_of_text(string_of(field(object, "pool"), "pool"));
  c.end = size("end");
  c.projection = projection_of(string_of(field(object, "projection"), "projection"));
  return c;
}

/// loadTextModel(paths, config, control) → Promise<handle>
Napi::Value load(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = strings_of(info[0], "paths");
  const TextConfig config = config_of(info[1]);
  return run_job<std::shared_ptr<TextModel>>(
      info[2], "loadTextModel", [=](const Job&) { return std::make_shared<TextModel>(config, paths); },
      [](Napi::Env env, std::shared_ptr<TextModel>& model) {
        return wrap(env, model, kTextKind, model->bytes());
      });
}

/// textModelLogitScale(handle) → number, 0 where the file does not say
Napi::Value logit_scale(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), unwrap<TextModel>(info[0], kTextKind)->logit_scale());
}

/// textModelEncode(handle, tokens: Tensor, control) → Promise<Tensor handle>
Napi::Value encode(const Napi::CallbackInfo& info) {
  const auto model = unwrap<TextModel>(info[0], kTextKind);
  const at::Tensor tokens = unwrap_tensor(info[1]);
  return run_job<at::Tensor>(
      info[2], "encode", [=](const Job& job) { return model->encode(tokens, job); },
      [](Napi::Env env, at::Tensor& out) { return wrap_tensor(env, out); });
}

}  // namespace

void register_text_model(Napi::Env env, Napi::Object exports) {
  export_function<load>(env, exports, "loadTextModel");
  export_function<logit_scale>(env, exports, "textModelLogitScale");
  export_function<encode>(env, exports, "textModelEncode");
}

}  // namespace saev::bind

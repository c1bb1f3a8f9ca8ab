#include "bind/sparse_autoencoder.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"

namespace saev::bind {
namespace {

constexpr const char* kSaeKind = "SparseAutoencoder";

std::string shape_text(const at::Tensor& t) {
  std::string s = "[";
  for (int64_t i = 0; i < t.dim(); ++i) s += (i ? ", " : "") + std::to_string(t.size(i));
  return s + "]";
}

at::Tensor float_tensor(const Napi::Object& object, const char* name, int64_t dim) {
  at::Tensor t = unwrap_tensor(object.Get(name));
  if (t.dim() != dim || !t.is_floating_point()) {
    throw Error(Code::kShapeMismatch, std::string(name) + ": expected a float tensor of " +
                                          std::to_string(dim) + " dimension(s), found shape " +
                                          shape_text(t));
  }
  return t.to(at::kFloat).contiguous();
}

void copy_into(std::vector<float>& to, const at::Tensor& from) {
  std::memcpy(to.data(), from.const_data_ptr(), to.size() * sizeof(float));
}

constexpr struct {
  Selection selection;
  const char* name;
} kSelections[] = {{Selection::kRelu, "relu"},
                   {Selection::kTopK, "top-k"},
                   {Selection::kBatchTopK, "batch-top-k"},
                   {Selection::kJumpRelu, "jump-relu"},
                   {Selection::kGated, "gated"}};

/// sparseAutoencoder({ wEnc, bEnc, wDec, bDec }, centred, activation) → handle
Napi::Value create_sae(const Napi::CallbackInfo& info) {
  const bool centred = bool_of(info[1], "centred");
  auto sae = std::make_shared<SparseAutoencoder>(
      params_of(info[0]), centred ? EncoderInput::kCentred : EncoderInput::kRaw, activation_of(info[2]));
  return wrap_sparse_autoencoder(info.Env(), std::move(sae));
}

/// saeInfo(handle) → { dVit, dSae, centred, activation }
Napi::Value sae_info(const Napi::CallbackInfo& info) {
  const auto sae = unwrap_sparse_autoencoder(info[0]);
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("dVit", static_cast<double>(sae->d_vit()));
  out.Set("dSae", static_cast<double>(sae->d_sae()));
  out.Set("centred", sae->encoder_input() == EncoderInput::kCentred);
  const Activation& a = sae->activation();
  Napi::Object activation = Napi::Object::New(info.Env());
  for (const auto& s : kSelections) {
    if (s.selection == a.selection) activation.Set("selection", s.name);
  }
  activation.Set("topK", static_cast<double>(a.top_k));
  activation.Set("relu", a.relu);
  activation.Set("threshold", a.threshold);
  out.Set("activation", activation);
  return out;
}

/// saeTensors(handle) → { wEnc, bEnc, wDec, bDec }
Napi::Value sae_tensors(const Napi::CallbackInfo& info) {
  return params_to_js(info.Env(), unwrap_sparse_autoencoder(info[0])->params());
}

/// saeEncode(handle, x, control) → Promise<{ rowStart, latent, value }>
Napi::Value sae_encode(const Napi::CallbackInfo& info) {
  const auto sae = unwrap_sparse_autoencoder(info[0]);
  const at::Tensor x = rows_of(info[1], "x", sae->d_vit());
  return run_job<SparseBatch>(
      info[2], "saev:encode",
      [sae, x](const Job& job) {
        job.check_abort();
        SparseBatch out;
        sae->encode(x.const_data_ptr<float>(), x.size(0), out);
        return out;
      },
      sparse_batch_to_js);
}

/// saeDecode(handle, { rowStart, latent, value }, control) → Promise<x̂ [rows, d_vit]>
Napi::Value sae_decode(const Napi::CallbackInfo& info) {
  const auto sae = unwrap_sparse_autoencoder(info[0]);
  auto f = std::make_shared<SparseBatch>(sparse_batch_of(info[1], sae->d_sae()));
  return run_job<at::Tensor>(
      info[2], "saev:decode",
      [sae, f](const Job& job) {
        job.check_abort();
        at::Tensor x_hat = at::empty({f->rows, sae->d_vit()}, at::kFloat);
        sae->decode(*f, x_hat.mutable_data_ptr<float>());
        return x_hat;
      },
      [](Napi::Env env, at::Tensor& x_hat) { return wrap_tensor(env, x_hat); });
}

}  // namespace

at::Tensor rows_of(const Napi::Value& value, const std::string& name, int64_t d_vit) {
  at::Tensor x = unwrap_tensor(value);
  if (x.dim() != 2 || x.size(1) != d_vit || x.scalar_type() != at::kFloat) {
    throw Error(Code::kShapeMismatch, name + ": expected a float32 tensor [rows, " + std::to_string(d_vit) +
                                          "], found shape " + shape_text(x));
  }
  return x.contiguous();
}

SparseBatch sparse_batch_of(const Napi::Value& value, int64_t d_sae) {
  const Napi::Object o = object_of(value, "latents");
  const at::Tensor start = unwrap_tensor(o.Get("rowStart")), latent = unwrap_tensor(o.Get("latent")),
                   values = unwrap_tensor(o.Get("value"));
  if (start.dim() != 1 || start.size(0) < 1 || start.scalar_type() != at::kLong || latent.dim() != 1 ||
      latent.scalar_type() != at::kInt || values.dim() != 1 || values.scalar_type() != at::kFloat ||
      latent.size(0) != values.size(0)) {
    throw Error(Code::kShapeMismatch,
                "latents: expected { rowStart: int64 [rows + 1], latent: int32 [n], value: float32 [n] }");
  }
  SparseBatch f;
  f.rows = start.size(0) - 1;
  f.d_sae = d_sae;
  const auto copy = [](auto& to, const at::Tensor& from) {
    const at::Tensor c = from.contiguous();
    to.resize(static_cast<size_t>(c.numel()));
    if (!to.empty()) std::memcpy(to.data(), c.const_data_ptr(), to.size() * sizeof(to[0]));
  };
  copy(f.row_start, start);
  copy(f.latent, latent);
  copy(f.value, values);
  bool sound = f.row_start.front() == 0 && f.row_start.back() == values.size(0);
  sound = sound && std::is_sorted(f.row_start.begin(), f.row_start.end());
  if (!sound) {
    throw Error(Code::kShapeMismatch, "latents: rowStart must ascend from 0 to the number of values");
  }
  return f;
}

Napi::Value sparse_batch_to_js(Napi::Env env, SparseBatch& batch) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("rowStart", array_tensor(env, batch.row_start.data(), {batch.rows + 1}, at::kLong));
  out.Set("latent", array_tensor(env, batch.latent.data(), {batch.nnz()}, at::kInt));
  out.Set("value", array_tensor(env, batch.value.data(), {batch.nnz()}, at::kFloat));
  return out;
}

Napi::Value wrap_sparse_autoencoder(Napi::Env env, std::shared_ptr<SparseAutoencoder> sae) {
  const int64_t bytes = 8 * sae->d_vit() * sae->d_sae();
  return wrap(env, std::move(sae), kSaeKind, bytes);
}

std::shared_ptr<SparseAutoencoder> unwrap_sparse_autoencoder(const Napi::Value& value) {
  return unwrap<SparseAutoencoder>(value, kSaeKind);
}

Activation activation_of(const Napi::Value& value) {
  const Napi::Object o = object_of(value, "activation");
  const std::string name = string_of(o.Get("selection"), "selection");
  Activation a;
  bool known = false;
  for (const auto& s : kSelections) {
    if (name != s.name) continue;
    a.selection = s.selection;
    known = true;
  }
  if (!known) {
    throw Error(Code::kInvalidArgument,
                "selection: expected relu, top-k, batch-top-k, jump-relu or gated, found " + name);
  }
  a.top_k = int_of(o.Get("topK"), "topK");
  a.relu = bool_of(o.Get("relu"), "relu");
  a.threshold = number_of(o.Get("threshold"), "threshold");
  return a;
}

Params params_of(const Napi::Value& value) {
  const Napi::Object o = object_of(value, "tensors");
  const at::Tensor w_enc = float_tensor(o, "wEnc", 2), b_enc = float_tensor(o, "bEnc", 1),
                   w_dec = float_tensor(o, "wDec", 2), b_dec = float_tensor(o, "bDec", 1);
  const int64_t vit = w_enc.size(0), sae = w_enc.size(1);
  if (b_enc.size(0) != sae || w_dec.size(0) != sae || w_dec.size(1) != vit || b_dec.size(0) != vit) {
    throw Error(Code::kShapeMismatch, "W_enc [d_vit, d_sae] is " + shape_text(w_enc) + ", which b_enc " +
                                          shape_text(b_enc) + ", W_dec [d_sae, d_vit] " + shape_text(w_dec) +
                                          " and b_dec " + shape_text(b_dec) + " do not fit");
  }
  if (vit < 1 || sae < 1) throw Error(Code::kShapeMismatch, "an SAE needs d_vit and d_sae of at least 1");
  Params p(vit, sae);
  copy_into(p.w_enc, w_enc);
  copy_into(p.b_enc, b_enc);
  copy_into(p.w_dec, w_dec);
  copy_into(p.b_dec, b_dec);
  const auto own = [&](const char* name, std::vector<float>& to) {
    if (o.Get(name).IsUndefined()) return;
    const at::Tensor t = float_tensor(o, name, 1);
    if (t.size(0) != sae) {
      throw Error(Code::kShapeMismatch, std::string(name) + ": expected a value for each of " +
                                            std::to_string(sae) + " latents, found shape " + shape_text(t));
    }
    to.resize(static_cast<size_t>(sae));
    copy_into(to, t);
  };
  own("threshold", p.threshold);
  own("rMag", p.r_mag);
  own("bMag", p.b_mag);
  return p;
}

Napi::Value params_to_js(Napi::Env env, Params&& given) {
  Params p = std::move(given);
  Napi::Object out = Napi::Object::New(env);
  // The two large ones never lie in memory twice at once.
  out.Set("wEnc", array_tensor(env, p.w_enc.data(), {p.d_vit, p.d_sae}, at::kFloat));
  std::vector<float>().swap(p.w_enc);
  out.Set("wDec", array_tensor(env, p.w_dec.data(), {p.d_sae, p.d_vit}, at::kFloat));
  std::vector<float>().swap(p.w_dec);
  out.Set("bEnc", array_tensor(env, p.b_enc.data(), {p.d_sae}, at::kFloat));
  out.Set("bDec", array_tensor(env, p.b_dec.data(), {p.d_vit}, at::kFloat));
  const auto own = [&](const char* name, const std::vector<float>& values) {
    if (!values.empty()) out.Set(name, array_tensor(env, values.data(), {p.d_sae}, at::kFloat));
  };
  own("threshold", p.threshold);
  own("rMag", p.r_mag);
  own("bMag", p.b_mag);
  return out;
}

void register_sparse_autoencoder(Napi::Env env, Napi::Object exports) {
  export_function<create_sae>(env, exports, "sparseAutoencoder");
  export_function<sae_info>(env, exports, "saeInfo");
  export_function<sae_tensors>(env, exports, "saeTensors");
  export_function<sae_encode>(env, exports, "saeEncode");
  export_function<sae_decode>(env, exports, "saeDecode");
}

}  // namespace saev::bind

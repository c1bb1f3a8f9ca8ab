// The JavaScript class LatentProbes.
#include "bind/latent_probes.h"

#include <memory>
#include <mutex>
#include <string>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/sparse_autoencoder.h"
#include "bind/tensor.h"
#include "stats/latent_probes.h"

namespace saev::bind {
namespace {

constexpr const char* kProbesKind = "LatentProbes";

struct SharedProbes {
  LatentProbes probes;
  std::mutex mutex;
  std::unique_lock<std::mutex> take() {
    std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock) {
      throw Error(Code::kInvalidArgument, "another call uses these probes; wait for its promise first");
    }
    return lock;
  }
};

std::shared_ptr<SharedProbes> unwrap_probes(const Napi::Value& value) {
  return unwrap<SharedProbes>(value, kProbesKind);
}

/// latentProbes({ dSae, nClasses, maxEntries, seed }) → handle
Napi::Value create_probes(const Napi::CallbackInfo& info) {
  const Napi::Object o = object_of(info[0], "options");
  const int64_t d_sae = int_of(o.Get("dSae"), "dSae"), n_classes = int_of(o.Get("nClasses"), "nClasses"),
                most = int_of(o.Get("maxEntries"), "maxEntries"), seed = int_of(o.Get("seed"), "seed");
  auto shared = std::shared_ptr<SharedProbes>(
      new SharedProbes{LatentProbes(d_sae, n_classes, most, static_cast<uint64_t>(seed)), {}});
  return wrap(info.Env(), std::move(shared), kProbesKind, 8 * d_sae);
}

at::Tensor rows_tensor(const Napi::Value& value, const char* name, at::ScalarType dtype, int64_t rows) {
  const at::Tensor t = unwrap_tensor(value).contiguous();
  if (t.dim() != 1 || t.size(0) != rows || t.scalar_type() != dtype) {
    throw Error(Code::kShapeMismatch, std::string(name) + ": expected one number for each of " +
                                          std::to_string(rows) + " rows, units int64 and labels int32");
  }
  return t;
}

/// latentProbesAdd(probes, latents, units int64 [rows], labels int32 [rows], control) → Promise<undefined>
Napi::Value add_latents(const Napi::CallbackInfo& info) {
  struct Nothing {};
  const auto shared = unwrap_probes(info[0]);
  auto f = std::make_shared<SparseBatch>(sparse_batch_of(info[1], shared->probes.d_sae()));
  const at::Tensor units = rows_tensor(info[2], "units", at::kLong, f->rows),
                   labels = rows_tensor(info[3], "labels", at::kInt, f->rows);
  return run_job<Nothing>(
      info[4], "saev:probes-add",
      [=](const Job& job) {
        job.check_abort();
        const auto lock = shared->take();
        shared->probes.add(*f, units.const_data_ptr<int64_t>(), labels.const_data_ptr<int32_t>());
        return Nothing{};
      },
      [](Napi::Env env, Nothing&) -> Napi::Value { return env.Undefined(); });
}

Napi::Value result_to_js(Napi::Env env, const ProbeResult& found) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("units", static_cast<double>(found.units));
  out.Set("seen", static_cast<double>(found.seen));
  Napi::Array classes = Napi::Array::New(env, found.classes.size());
  for (size_t c = 0; c < found.classes.size(); ++c) {
    const ClassProbe& probe = found.classes[c];
    Napi::Object one = Napi::Object::New(env);
    one.Set("n", static_cast<double>(probe.n));
    one.Set("baseRate", probe.base_rate);
    one.Set("apLatent", static_cast<double>(probe.ap_latent));
    one.Set("averagePrecision", probe.average_precision);
    one.Set("f1Latent", static_cast<double>(probe.f1_latent));
    one.Set("f1", probe.f1);
    one.Set("precision", probe.precision);
    one.Set("recall", probe.recall);
    one.Set("threshold", probe.threshold);
    classes.Set(static_cast<uint32_t>(c), one);
  }
  out.Set("classes", classes);
  return out;
}

/// latentProbesFinish(probes, control) → Promise<{ units, seen, classes }>
Napi::Value finish(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_probes(info[0]);
  return run_job<ProbeResult>(
      info[1], "saev:probes-finish",
      [shared](const Job& job) {
        const auto lock = shared->take();
        return shared->probes.finish(job);
      },
      [](Napi::Env env, ProbeResult& found) { return result_to_js(env, found); });
}

}  // namespace

void register_latent_probes(Napi::Env env, Napi::Object exports) {
  export_function<create_probes>(env, exports, "latentProbes");
  export_function<add_latents>(env, exports, "latentProbesAdd");
  export_function<finish>(env, exports, "latentProbesFinish");
}

}  // namespace saev::bind

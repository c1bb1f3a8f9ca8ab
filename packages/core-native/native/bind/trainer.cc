#include "bind/trainer.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstring>
#include <memory>
#include <string>

#include "bind/args.h"
#include "bind/batch_source.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/sae_training.h"
#include "bind/shared_trainer.h"
#include "bind/sparse_autoencoder.h"
#include "bind/tensor.h"
#include "sae/trainer.h"

namespace saev::bind {
namespace {

/// trainer(dVit) → handle
Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  return wrap(info.Env(), std::make_shared<SharedTrainer>(int_of(info[0], "dVit")), kTrainerKind);
}

/// trainerAdd(trainer, { wEnc, bEnc, wDec, bDec }, options) → number of the SAE
Napi::Value add_sae(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const Params params = params_of(info[1]);
  const SaeTraining training = sae_training_of(object_of(info[2], "options"));
  const auto lock = shared->take();
  return Napi::Number::New(info.Env(), static_cast<double>(shared->trainer.add(params, training)));
}

Napi::Object figures(Napi::Env env, const SaeStep& s) {
  Napi::Object o = Napi::Object::New(env);
  o.Set("loss", s.metrics.loss);
  o.Set("mse", s.metrics.mse);
  o.Set("sparsity", s.metrics.sparsity);
  o.Set("l0", s.metrics.l0);
  o.Set("l1", s.metrics.l1);
  o.Set("density", s.metrics.density);
  o.Set("lr", s.lr);
  o.Set("sparsityCoeff", s.sparsity_coeff);
  o.Set("aux", s.metrics.aux);
  o.Set("nDead", static_cast<double>(s.metrics.n_dead));
  o.Set("threshold", s.metrics.threshold);
  o.Set("gradNorm", s.metrics.grad_norm);
  o.Set("screened", s.metrics.screened);
  o.Set("dropped", s.dropped);
  Napi::Array prefixes = Napi::Array::New(env);
  for (size_t i = 0; i < s.prefixes.size(); ++i)
    prefixes.Set(static_cast<uint32_t>(i), static_cast<double>(s.prefixes[i]));
  o.Set("prefixes", prefixes);
  return o;
}

struct StepResult {
  std::vector<SaeStep> saes;
  std::vector<StepGradients> gradients;
  StepTimes times;
};

/// trainerStep(trainer, x [rows, d_vit], wantGradients, prefixes, control) → Promise<{ saes, gradients, times
/// }>
Napi::Value step_once(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  at::Tensor x = unwrap_tensor(info[1]);
  if (x.dim() != 2 || x.size(1) != shared->trainer.d_vit() || x.scalar_type() != at::kFloat) {
    throw Error(Code::kShapeMismatch,
                "x: expected a float32 tensor [rows, " + std::to_string(shared->trainer.d_vit()) + "]");
  }
  x = x.contiguous();
  const bool want_gradients = bool_of(info[2], "wantGradients");
  const std::vector<int64_t> prefixes = ints_of(info[3], "prefixes");
  return run_job<StepResult>(
      info[4], "saev:train-step",
      [shared, x, want_gradients, prefixes](const Job& job) {
        job.check_abort();
        const auto lock = shared->take();
        StepResult r;
        r.saes = shared->trainer.step(x.const_data_ptr<float>(), x.size(0), &r.times,
                                      want_gradients ? &r.gradients : nullptr, &job, prefixes);
        return r;
      },
      [](Napi::Env env, StepResult& r) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        Napi::Array saes = Napi::Array::New(env), gradients = Napi::Array::New(env);
        for (size_t i = 0; i < r.saes.size(); ++i)
          saes.Set(static_cast<uint32_t>(i), figures(env, r.saes[i]));
        for (size_t i = 0; i < r.gradients.size(); ++i) {
          StepGradients& g = r.gradients[i];
          Params raw(g.grads.d_vit, g.grads.d_sae);
          raw.w_dec.swap(g.raw_w_dec);
          Napi::Object o = params_to_js(env, std::move(g.grads)).As<Napi::Object>();
          o.Set("rawWDec", params_to_js(env, std::move(raw)).As<Napi::Object>().Get("wDec"));
          gradients.Set(static_cast<uint32_t>(i), o);
        }
        Napi::Object times = Napi::Object::New(env);
        times.Set("encode", r.times.encode);
        times.Set("decode", r.times.decode);
        times.Set("backward", r.times.backward);
        times.Set("lists", r.times.lists);
        times.Set("decoderGradient", r.times.decoder_gradient);
        times.Set("encoderGradient", r.times.encoder_gradient);
        times.Set("adam", r.times.adam);
        out.Set("saes", saes);
        out.Set("gradients", gradients);
        out.Set("times", times);
        return out;
      });
}

struct RunEnd {
  int64_t steps = 0;
  bool ended = false;
  double waited = 0;
};

/// trainerRun(trainer, source, { nPatches, batchSize, logEvery, pauseEvery, pauseAt, pause? }, control) →
/// Promise<{ steps, ended, waited }>. Log entries come as progress with a member `sae`, one for each SAE;
/// SAEs that are dropped as progress with a member `dropped`.
Napi::Value run_trainer(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const auto source = unwrap<BatchSource>(info[1], kBatchSourceKind);
  const Napi::Object o = object_of(info[2], "options");
  TrainRun run;
  run.n_patches = int_of(o.Get("nPatches"), "nPatches");
  run.batch_size = int_of(o.Get("batchSize"), "batchSize");
  run.log_every = int_of(o.Get("logEvery"), "logEvery");
  run.pause_every = int_of(o.Get("pauseEvery"), "pauseEvery");
  run.pause_at = int_of(o.Get("pauseAt"), "pauseAt");
  if (has(o, "pause")) run.pause = abort_flag_of(o.Get("pause"));
  return run_job<RunEnd>(
      info[3], "saev:train",
      [shared, source, run](const Job& job) {
        const auto lock = shared->take();
        const auto log = [&](int64_t step, const std::vector<SaeStep>& saes, int64_t rows) {
          for (size_t i = 0; i < saes.size(); ++i) {
            const SaeStep& s = saes[i];
            if (!s.made) continue;
            job.report({static_cast<double>(step),
                        0,
                        {{"sae", static_cast<double>(i)},
                         {"step", static_cast<double>(step)},
                         {"rows", static_cast<double>(rows)},
                         {"loss", s.metrics.loss},
                         {"mse", s.metrics.mse},
                         {"sparsity", s.metrics.sparsity},
                         {"l0", s.metrics.l0},
                         {"l1", s.metrics.l1},
                         {"density", s.metrics.density},
                         {"lr", s.lr},
                         {"sparsityCoeff", s.sparsity_coeff},
                         {"aux", s.metrics.aux},
                         {"nDead", static_cast<double>(s.metrics.n_dead)},
                         {"threshold", s.metrics.threshold},
                         {"gradNorm", s.metrics.grad_norm}}});
          }
        };
        const auto drop = [&](int64_t step, int64_t i) {
          job.report({static_cast<double>(step),
                      0,
                      {{"dropped", static_cast<double>(i)}, {"step", static_cast<double>(step)}}});
        };
        const double before = shared->trainer.waited();
        const bool ended = shared->trainer.run(*source, run, job, log, drop);
        return RunEnd{shared->trainer.steps(), ended, shared->trainer.waited() - before};
      },
      [](Napi::Env env, RunEnd& end) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("steps", static_cast<double>(end.steps));
        out.Set("ended", end.ended);
        out.Set("waited", end.waited);
        return out;
      });
}

/// trainerParams(trainer, sae) → { wEnc, bEnc, wDec, bDec }
Napi::Value params(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const auto lock = shared->take();
  return params_to_js(info.Env(), shared->trainer.params(int_of(info[1], "sae")));
}

/// trainerSae(trainer, sae) → SparseAutoencoder
Napi::Value sae(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const auto lock = shared->take();
  return wrap_sparse_autoencoder(
      info.Env(), std::make_shared<SparseAutoencoder>(shared->trainer.sae(int_of(info[1], "sae"))));
}

/// trainerSinceActive(trainer, sae) → int64 [d_sae]
Napi::Value since_active(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const auto lock = shared->take();
  const std::vector<int64_t>& counts = shared->trainer.since_active(int_of(info[1], "sae"));
  at::Tensor t = at::empty({static_cast<int64_t>(counts.size())}, at::kLong);
  std::memcpy(t.mutable_data_ptr(), counts.data(), counts.size() * sizeof(int64_t));
  return wrap_tensor(info.Env(), t);
}

/// trainerName(trainer, sae, name): what messages call an SAE
Napi::Value name(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const auto lock = shared->take();
  shared->trainer.name(int_of(info[1], "sae"), string_of(info[2], "name"));
  return info.Env().Undefined();
}

/// trainerDropped(trainer, sae) → why it was dropped, or ""
Napi::Value dropped(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const auto lock = shared->take();
  return Napi::String::New(info.Env(), shared->trainer.dropped(int_of(info[1], "sae")));
}

/// trainerStop(trainer, sae): no more steps of it
Napi::Value stop(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const auto lock = shared->take();
  shared->trainer.stop(int_of(info[1], "sae"));
  return info.Env().Undefined();
}

/// trainerSteps(trainer) → number
Napi::Value steps(const Napi::CallbackInfo& info) {
  const auto shared = unwrap_trainer(info[0]);
  const auto lock = shared->take();
  return Napi::Number::New(info.Env(), static_cast<double>(shared->trainer.steps()));
}

}  // namespace

void register_trainer(Napi::Env env, Napi::Object exports) {
  export_function<create_trainer>(env, exports, "trainer");
  export_function<add_sae>(env, exports, "trainerAdd");
  export_function<step_once>(env, exports, "trainerStep");
  export_function<run_trainer>(env, exports, "trainerRun");
  export_function<params>(env, exports, "trainerParams");
  export_function<steps>(env, exports, "trainerSteps");
  export_function<name>(env, exports, "trainerName");
  export_function<stop>(env, exports, "trainerStop");
  export_function<dropped>(env, exports, "trainerDropped");
  export_function<sae>(env, exports, "trainerSae");
  export_function<since_active>(env, exports, "trainerSinceActive");
}

}  // namespace saev::bind

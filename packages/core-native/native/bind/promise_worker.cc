#include "bind/promise_worker.h"

#include <thread>

#include "bind/args.h"
#include "bind/handle.h"

namespace saev::bind {
namespace {

constexpr const char* kAbortKind = "AbortFlag";

/// Everything one running job owns. Deleted by the thread-safe function's finaliser, on the JavaScript
/// thread, after the worker thread was joined: so also at process exit and when a worker_thread is
/// terminated.
struct Running {
  std::unique_ptr<PromiseWorker> worker;
  Napi::Promise::Deferred deferred;
  Napi::FunctionReference on_progress;
  AbortFlag abort = std::make_shared<std::atomic<bool>>(false);
  Napi::ThreadSafeFunction to_js;
  std::thread thread;
  std::optional<Failure> failure;

  explicit Running(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
};

/// A call back into JavaScript. Where a worker_thread is being terminated, every such call fails, with an
/// error that nobody is left to see: it must not leave native code.
template <typename Call>
void into_js(Call call) {
  try {
    call();
  } catch (const Napi::Error&) {
  }
}

void call_progress(Napi::Env env, Running& running, const Progress& progress) {
  if (running.on_progress.IsEmpty()) return;
  Napi::HandleScope scope(env);
  Napi::Object event = Napi::Object::New(env);
  event.Set("done", progress.done);
  event.Set("total", progress.total);
  for (const auto& [name, value] : progress.values) event.Set(name, value);
  running.on_progress.Call({event});  // the TypeScript wrapper catches what the user's callback throws
}

void settle(Napi::Env env, Running& running) {
  Napi::HandleScope scope(env);
  if (!running.failure) {
    try {
      running.deferred.Resolve(running.worker->result(env));
      return;
    } catch (const Napi::Error& e) {
      running.deferred.Reject(e.Value());
      return;
    } catch (...) {
      running.failure = describe_current_exception();
    }
  }
  running.deferred.Reject(to_js_error(env, *running.failure).Value());
}

void run(Running& running) {
  const Job job(running.abort, [&running](Progress progress) {
    running.to_js.NonBlockingCall([&running, progress = std::move(progress)](Napi::Env env, Napi::Function) {
      into_js([&] { call_progress(env, running, progress); });
    });
  });
  try {
    running.worker->execute(job);
  } catch (...) {
    running.failure = describe_current_exception();
  }
  running.to_js.BlockingCall(
      [&running](Napi::Env env, Napi::Function) { into_js([&] { settle(env, running); }); });
  running.to_js.Release();
}

}  // namespace

AbortFlag abort_flag_of(const Napi::Value& value) {
  return unwrap<std::atomic<bool>>(value, kAbortKind);
}

Napi::Promise PromiseWorker::start(const Napi::Value& control, std::unique_ptr<PromiseWorker> worker,
                                   const char* name) {
  Napi::Env env = control.Env();
  auto running = std::make_unique<Running>(env);
  running->worker = std::move(worker);
  if (control.IsObject()) {
    const auto options = control.As<Napi::Object>();
    if (has(options, "abort")) running->abort = abort_flag_of(options.Get("abort"));
    const Napi::Value on_progress = options.Get("onProgress");
    if (on_progress.IsFunction()) running->on_progress = Napi::Persistent(on_progress.As<Napi::Function>());
  }
  Running* raw = running.get();
  const Napi::Promise promise = raw->deferred.Promise();
  raw->to_js = Napi::ThreadSafeFunction::New(
      env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}), name, /*maxQueueSize=*/0,
      /*initialThreadCount=*/1,
      [](Napi::Env, Running* finished) {
        finished->abort->store(true);  // when the environment goes away in mid-job
        if (finished->thread.joinable()) finished->thread.join();
        delete finished;
      },
      raw);
  running.release();  // NOLINT(bugprone-unused-return-value): the finaliser above owns it now
  raw->thread = std::thread([raw] { run(*raw); });
  return promise;
}

namespace {

/// abortFlag(): a flag that `abort` sets and jobs poll.
Napi::Value abort_flag(const Napi::CallbackInfo& info) {
  return wrap(info.Env(), std::make_shared<std::atomic<bool>>(false), kAbortKind);
}

Napi::Value abort_job(const Napi::CallbackInfo& info) {
  abort_flag_of(info[0])->store(true);
  return info.Env().Undefined();
}

}  // namespace

void register_abort(Napi::Env env, Napi::Object exports) {
  export_function<abort_flag>(env, exports, "abortFlag");
  export_function<abort_job>(env, exports, "abort");
}

}  // namespace saev::bind

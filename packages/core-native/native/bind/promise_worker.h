#pragma once
// The one base of every long operation. An operation is a subclass with `execute` (its own thread, no Napi::)
// and `result` (JavaScript thread). Each job gets a thread of its own: a training run of hours on libuv's
// pool of four would starve file reads and image decoding.

#include <napi.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bind/guard.h"
#include "core/job.h"

namespace saev::bind {

class PromiseWorker {
 public:
  virtual ~PromiseWorker() = default;

  /// Runs `worker` and returns its promise. `control` is `{ abort?: AbortFlag handle, onProgress?: function
  /// }` or undefined; `name` shows in async stack traces.
  static Napi::Promise start(const Napi::Value& control, std::unique_ptr<PromiseWorker> worker,
                             const char* name);

  /// On the worker thread. Throw to reject.
  virtual void execute(const Job& job) = 0;
  /// On the JavaScript thread, after `execute` returned.
  virtual Napi::Value result(Napi::Env env) = 0;
};

/// For operations that fit two lambdas: `execute` returns a T, `result` turns it into a JavaScript value.
template <typename T>
class FunctionWorker final : public PromiseWorker {
 public:
  using Execute = std::function<T(const Job&)>;
  using Result = std::function<Napi::Value(Napi::Env, T&)>;
  FunctionWorker(Execute execute, Result result) : execute_(std::move(execute)), result_(std::move(result)) {}
  void execute(const Job& job) override { value_.emplace(execute_(job)); }
  Napi::Value result(Napi::Env env) override { return result_(env, *value_); }

 private:
  Execute execute_;
  Result result_;
  std::optional<T> value_;
};

template <typename T>
Napi::Promise run_job(const Napi::Value& control, const char* name, std::function<T(const Job&)> execute,
                      std::function<Napi::Value(Napi::Env, T&)> result) {
  return PromiseWorker::start(
      control, std::make_unique<FunctionWorker<T>>(std::move(execute), std::move(result)), name);
}

/// The flag behind a handle of `abortFlag`. Throws Code::kWrongHandle.
AbortFlag abort_flag_of(const Napi::Value& value);

/// abortFlag() → handle; abort(flag).
void register_abort(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind

// What this build and this machine can do on a GPU.

#include "bind/cuda.h"

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/promise_worker.h"
#include "core/cuda.h"

namespace saev::bind {
namespace {

/// cudaState() → { compiled, toolkit, driver, devices: { name, capability, totalBytes }[], problem }
Napi::Value state(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const CudaState found = cuda_state();
  Napi::Array devices = Napi::Array::New(env);
  for (const CudaDevice& device : found.devices) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("name", device.name);
    out.Set("capability", std::to_string(device.major) + "." + std::to_string(device.minor));
    out.Set("totalBytes", static_cast<double>(device.total_bytes));
    devices.Set(devices.Length(), out);
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("compiled", found.compiled);
  out.Set("toolkit", found.toolkit);
  out.Set("driver", found.driver);
  out.Set("devices", devices);
  out.Set("problem", found.problem);
  return out;
}

/// cudaSelfTest(device, control) → promise of the largest deviation
Napi::Value self_test(const Napi::CallbackInfo& info) {
  const int64_t device = int_of(info[0], "device");
  if (device < 0 || device > 1024)
    throw Error(Code::kInvalidArgument, "device: expected a small whole number");
  return run_job<double>(
      info[1], "cudaSelfTest", [device](const Job&) { return cuda_self_test(static_cast<int>(device)); },
      [](Napi::Env env, double& deviation) { return Napi::Number::New(env, deviation); });
}

}  // namespace

void register_cuda(Napi::Env env, Napi::Object exports) {
  export_function<state>(env, exports, "cudaState");
  export_function<self_test>(env, exports, "cudaSelfTest");
}

}  // namespace saev::bind

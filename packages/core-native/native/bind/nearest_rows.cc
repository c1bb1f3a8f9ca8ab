#include "bind/nearest_rows.h"

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"
#include "stats/nearest_rows.h"

namespace saev::bind {
namespace {

Napi::Value start(const Napi::CallbackInfo& info) {
  const at::Tensor a = unwrap_tensor(info[0]), b = unwrap_tensor(info[1]);
  const int64_t k = int_of(info[2], "k");
  const bool skip_self = bool_of(info[3], "skipSelf");
  return run_job<NearestRows>(
      info[4], "saev:nearest-rows",
      [a, b, k, skip_self](const Job& job) { return nearest_rows(a, b, k, skip_self, job); },
      [](Napi::Env env, NearestRows& found) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("index", array_tensor(env, found.index.data(), {found.rows, found.k}, at::kInt));
        out.Set("cosine", array_tensor(env, found.cosine.data(), {found.rows, found.k}, at::kFloat));
        return out;
      });
}

}  // namespace

void register_nearest_rows(Napi::Env env, Napi::Object exports) {
  export_function<start>(env, exports, "nearestRows");
}

}  // namespace saev::bind

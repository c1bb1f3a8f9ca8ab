#include "bind/latent_examples.h"

#include "bind/guard.h"
#include "bind/tensor.h"
#include "bind/top_k.h"
#include "stats/latent_examples.h"

namespace saev::bind {
namespace {

Napi::Value tables(const Napi::CallbackInfo& info) {
  const auto statistics = finished_top_k(info[0]);
  const LatentExamples& all = statistics->examples();
  if (!all.wanted()) {
    throw Error(Code::kInvalidArgument, "these statistics were made without examples; set nExamples");
  }
  std::vector<int64_t> counts, images, starts{0};
  std::vector<int32_t> map_patches;
  std::vector<float> values, map_values;
  for (int64_t latent = 0; latent < all.d_sae(); ++latent) {
    counts.push_back(all.count(latent));
    const auto kept = all.examples(latent);
    for (int64_t i = 0; i < all.per_latent(); ++i) {
      const bool there = i < static_cast<int64_t>(kept.size());
      images.push_back(there ? kept[static_cast<size_t>(i)].image : -1);
      values.push_back(there ? kept[static_cast<size_t>(i)].value : 0);
      if (there) {
        const LatentExample& e = kept[static_cast<size_t>(i)];
        map_patches.insert(map_patches.end(), e.patches.begin(), e.patches.end());
        map_values.insert(map_values.end(), e.values.begin(), e.values.end());
      }
      starts.push_back(static_cast<int64_t>(map_patches.size()));
    }
  }
  const Napi::Env env = info.Env();
  const int64_t n = all.d_sae(), k = all.per_latent();
  const auto length = [](const auto& list) { return static_cast<int64_t>(list.size()); };
  Napi::Object out = Napi::Object::New(env);
  out.Set("counts", array_tensor(env, counts.data(), {n}, at::kLong));
  out.Set("images", array_tensor(env, images.data(), {n, k}, at::kLong));
  out.Set("values", array_tensor(env, values.data(), {n, k}, at::kFloat));
  out.Set("mapStarts", array_tensor(env, starts.data(), {length(starts)}, at::kLong));
  out.Set("mapPatches", array_tensor(env, map_patches.data(), {length(map_patches)}, at::kInt));
  out.Set("mapValues", array_tensor(env, map_values.data(), {length(map_values)}, at::kFloat));
  out.Set("sampledImages", array_tensor(env, all.sampled().data(), {length(all.sampled())}, at::kLong));
  out.Set("fired", array_tensor(env, all.fired().data(), {n, all.bytes_per_latent()}, at::kByte));
  return out;
}

}  // namespace

void register_latent_examples(Napi::Env env, Napi::Object exports) {
  export_function<tables>(env, exports, "topKExamples");
}

}  // namespace saev::bind

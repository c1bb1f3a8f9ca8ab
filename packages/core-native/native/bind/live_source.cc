#include "bind/live_source.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bind/args.h"
#include "bind/batch_source.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/tensor.h"
#include "io/exclusive_source.h"
#include "io/live_source.h"

namespace saev::bind {
namespace {

constexpr const char* kFeedKind = "LiveFeed";

struct LiveFeed {
  std::shared_ptr<LiveBuffer> buffer;
  std::shared_ptr<ExclusiveSource> source;
};

std::shared_ptr<LiveFeed> unwrap_feed(const Napi::Value& value) {
  return unwrap<LiveFeed>(value, kFeedKind);
}

Code code_of(const std::string& name) {
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    if (name == code_name(static_cast<Code>(code))) return static_cast<Code>(code);
  }
  throw Error(Code::kInvalidArgument, "code: expected the code of an error, found '" + name + "'");
}

/// liveSource(options) → { source, feed }
Napi::Value live_source(const Napi::CallbackInfo& info) {
  const Napi::Object o = object_of(info[0], "options");
  const auto count = [&o](const char* name) { return int_of(field(o, name), name); };
  LiveOptions options;
  options.shape = {.n_layers = count("nLayers"),
                   .n_tokens = count("nTokens"),
                   .d_vit = count("dVit"),
                   .cls_token = bool_of(field(o, "clsToken"), "clsToken")};
  options.choice.patches = patches_of(string_of(field(o, "patches"), "patches"));
  options.choice.layers = layers_of(string_of(field(o, "layers"), "layers"));
  options.choice.layer = count("layer");
  options.images = ints_of(field(o, "images"), "images");
  options.n_all = count("nImgs");
  options.images_per_block = count("imagesPerBlock");
  options.shuffled = string_of(field(o, "order"), "order") == "shuffled";
  options.seed = static_cast<uint64_t>(count("seed"));
  options.threads = static_cast<int>(std::clamp<int64_t>(count("threads"), 1, 1024));
  const RecordedRows checked(options.shape, options.choice);
  options.scaling = scaling_of(o, checked.dim());
  auto source = std::make_unique<LiveSource>(std::move(options));
  auto feed = std::make_shared<LiveFeed>();
  feed->buffer = source->buffer();
  feed->source = std::make_shared<ExclusiveSource>(std::move(source));
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("source", wrap<BatchSource>(info.Env(), feed->source, kBatchSourceKind));
  out.Set("feed", wrap<LiveFeed>(info.Env(), feed, kFeedKind));
  return out;
}

/// liveFeedScale(feed, { computeMean, computeScalar, nRandomSamples }, control) → Promise<{ actMean, scalar,
/// nSamples, largestSample }>
Napi::Value scale(const Napi::CallbackInfo& info) {
  const auto feed = unwrap_feed(info[0]);
  const Napi::Object o = object_of(info[1], "request");
  const ScalingRequest request{.compute_mean = bool_of(field(o, "computeMean"), "computeMean"),
                               .compute_scalar = bool_of(field(o, "computeScalar"), "computeScalar"),
                               .n_random_samples = int_of(field(o, "nRandomSamples"), "nRandomSamples")};
  using Scaled = std::pair<Scaling, ScalingReport>;
  return run_job<Scaled>(
      info[2], "liveFeedScale",
      [feed, request](const Job& job) {
        return feed->source->with([&](BatchSource& inner) {
          auto& live = static_cast<LiveSource&>(inner);
          const ScalingReport report = live.scale(request, job);
          return Scaled{live.scaling(), report};
        });
      },
      [](Napi::Env env, Scaled& scaled) { return scaling_to_js(env, scaled.first, scaled.second); });
}

/// liveFeedWant(feed, control) → Promise<{ block, images } | null>
Napi::Value want(const Napi::CallbackInfo& info) {
  const auto feed = unwrap_feed(info[0]);
  using Want = std::optional<LiveBuffer::Want>;
  return run_job<Want>(
      info[1], "liveFeedWant", [feed](const Job& job) { return feed->buffer->want(job); },
      [](Napi::Env env, Want& want) -> Napi::Value {
        if (!want) return env.Null();
        Napi::Object out = Napi::Object::New(env);
        Napi::Array images = Napi::Array::New(env, want->images.size());
        for (size_t i = 0; i < want->images.size(); ++i)
          images.Set(static_cast<uint32_t>(i), static_cast<double>(want->images[i]));
        out.Set("block", static_cast<double>(want->block));
        out.Set("images", images);
        return out;
      });
}

/// liveFeedGive(feed, block, first, tokens: Tensor [n, layers, tokens, d_vit], control) → Promise<boolean>
Napi::Value give(const Napi::CallbackInfo& info) {
  const auto feed = unwrap_feed(info[0]);
  const int64_t block = int_of(info[1], "block"), first = int_of(info[2], "first");
  const at::Tensor tokens = unwrap_tensor(info[3]);
  const RecordedShape& s = feed->buffer->rows().shape();
  if (tokens.dim() != 4 || tokens.scalar_type() != at::kFloat || tokens.size(1) != s.n_layers ||
      tokens.size(2) != s.n_tokens || tokens.size(3) != s.d_vit) {
    throw Error(Code::kShapeMismatch, "tokens: expected a float32 tensor [n, " + std::to_string(s.n_layers) +
                                          ", " + std::to_string(s.n_tokens) + ", " + std::to_string(s.d_vit) +
                                          "]");
  }
  return run_job<bool>(
      info[4], "liveFeedGive",
      [feed, block, first, values = tokens.contiguous()](const Job&) {
        return feed->buffer->give(block, first, values.const_data_ptr<float>(), values.size(0));
      },
      [](Napi::Env env, bool& wanted) { return Napi::Boolean::New(env, wanted); });
}

/// liveFeedFail(feed, code, message)
Napi::Value fail(const Napi::CallbackInfo& info) {
  const auto feed = unwrap_feed(info[0]);
  feed->buffer->fail(Error(code_of(string_of(info[1], "code")), string_of(info[2], "message")));
  return info.Env().Undefined();
}

/// liveFeedClose(feed)
Napi::Value close(const Napi::CallbackInfo& info) {
  unwrap_feed(info[0])->buffer->close();
  return info.Env().Undefined();
}

}  // namespace

void register_live_source(Napi::Env env, Napi::Object exports) {
  export_function<live_source>(env, exports, "liveSource");
  export_function<scale>(env, exports, "liveFeedScale");
  export_function<want>(env, exports, "liveFeedWant");
  export_function<give>(env, exports, "liveFeedGive");
  export_function<fail>(env, exports, "liveFeedFail");
  export_function<close>(env, exports, "liveFeedClose");
}

}  // namespace saev::bind

// Vision models from files: the config of each family, as JavaScript gives it, and its loader.
#include <memory>
#include <string>
#include <vector>

#include "bind/args.h"
#include "bind/gelu.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "bind/promise_worker.h"
#include "bind/vision_model.h"
#include "vit/clip.h"
#include "vit/dinov2.h"
#include "vit/dinov3.h"
#include "vit/eva.h"
#include "vit/perception_encoder.h"
#include "vit/siglip.h"
#include "vit/vit.h"

namespace saev::bind {
namespace {

Pool pool_of(const std::string& name) {
  if (name == "none") return Pool::kNone;
  if (name == "auto") return Pool::kAuto;
  if (name == "cls") return Pool::kCls;
  if (name == "first two") return Pool::kFirstTwo;
  if (name == "mean") return Pool::kMean;
  if (name == "attention") return Pool::kAttention;
  throw Error(Code::kInvalidArgument,
              "pool: expected none, auto, cls, first two, mean or attention, found '" + name + "'");
}

HeadConfig head_of(const Napi::Value& value) {
  const Napi::Object object = object_of(value, "head");
  HeadConfig h;
  h.pool = pool_of(string_of(field(object, "pool"), "pool"));
  h.whole_mean = bool_of(field(object, "wholeMean"), "wholeMean");
  h.whole_attention = bool_of(field(object, "wholeAttention"), "wholeAttention");
  h.heads = int_of(field(object, "heads"), "heads");
  h.gelu = gelu_of(string_of(field(object, "gelu"), "gelu"));
  return h;
}

ModelSizes sizes_of(const Napi::Object& object) {
  const auto size = [&object](const char* name) { return int_of(field(object, name), name); };
  ModelSizes c;
  c.height = size("height");
  c.width = size("width");
  c.patch_height = size("patchHeight");
  c.patch_width = size("patchWidth");
  c.n_layers = size("nLayers");
  c.d_vit = size("dVit");
  c.heads = size("heads");
  c.hidden = size("hidden");
  c.eps = static_cast<float>(number_of(field(object, "eps"), "eps"));
  c.gelu = gelu_of(string_of(field(object, "gelu"), "gelu"));
  c.head = head_of(field(object, "head"));
  return c;
}

ClipConfig clip_config_of(const Napi::Value& value) {
  const Napi::Object object = object_of(value, "config");
  ClipConfig c;
  static_cast<ModelSizes&>(c) = sizes_of(object);
  c.norm_before_blocks = bool_of(field(object, "normBeforeBlocks"), "normBeforeBlocks");
  c.norm_after_pool = bool_of(field(object, "normAfterPool"), "normAfterPool");
  c.layer_scale = bool_of(field(object, "layerScale"), "layerScale");
  return c;
}

Dinov2Config dinov2_config_of(const Napi::Value& value) {
  const Napi::Object object = object_of(value, "config");
  Dinov2Config c;
  static_cast<ModelSizes&>(c) = sizes_of(object);
  c.positions_side = int_of(field(object, "positionsSide"), "positionsSide");
  c.n_registers = int_of(field(object, "nRegisters"), "nRegisters");
  c.layer_scale = bool_of(field(object, "layerScale"), "layerScale");
  c.swiglu = bool_of(field(object, "swiglu"), "swiglu");
  c.antialias = bool_of(field(object, "antialias"), "antialias");
  c.offset = number_of(field(object, "offset"), "offset");
  c.layers_per_chunk = int_of(field(object, "layersPerChunk"), "layersPerChunk");
  c.transformers = bool_of(field(object, "transformers"), "transformers");
  c.qkv_bias = bool_of(field(object, "qkvBias"), "qkvBias");
  return c;
}

Dinov3Config dinov3_config_of(const Napi::Value& value) {
  const Napi::Object object = object_of(value, "config");
  const auto flag = [&object](const char* name) { return bool_of(field(object, name), name); };
  Dinov3Config c;
  static_cast<ModelSizes&>(c) = sizes_of(object);
  c.n_registers = int_of(field(object, "nRegisters"), "nRegisters");
  c.rope_theta = number_of(field(object, "ropeTheta"), "ropeTheta");
  c.swiglu = flag("swiglu");
  c.query_bias = flag("queryBias");
  c.key_bias = flag("keyBias");
  c.value_bias = flag("valueBias");
  return c;
}

VitConfig vit_config_of(const Napi::Value& value) {
  const Napi::Object object = object_of(value, "config");
  const auto flag = [&object](const char* name) { return bool_of(field(object, name), name); };
  VitConfig c;
  static_cast<ModelSizes&>(c) = sizes_of(object);
  c.transformers = flag("transformers");
  c.has_cls = flag("clsToken");
  c.distilled = flag("distilled");
  c.n_registers = int_of(field(object, "nRegisters"), "nRegisters");
  c.prefix_positions = flag("prefixPositions");
  c.norm_before_blocks = flag("normBeforeBlocks");
  c.layer_scale = flag("layerScale");
  c.qkv_bias = flag("qkvBias");
  c.swiglu = flag("swiglu");
  return c;
}

EvaConfig eva_config_of(const Napi::Value& value) {
  const Napi::Object object = object_of(value, "config");
  const auto flag = [&object](const char* name) { return bool_of(field(object, name), name); };
  EvaConfig c;
  static_cast<ModelSizes&>(c) = sizes_of(object);
  c.split_qkv = flag("splitQkv");
  c.swiglu = flag("swiglu");
  c.inner_norms = flag("innerNorms");
  c.post_norm = flag("postNorm");
  c.rope_side = int_of(field(object, "ropeSide"), "ropeSide");
  return c;
}

PerceptionEncoderConfig perception_encoder_config_of(const Napi::Value& value) {
  const Napi::Object object = object_of(value, "config");
  PerceptionEncoderConfig c;
  static_cast<ModelSizes&>(c) = sizes_of(object);
  c.has_cls = bool_of(field(object, "clsToken"), "clsToken");
  c.layer_scale = bool_of(field(object, "layerScale"), "layerScale");
  c.rope_side = int_of(field(object, "ropeSide"), "ropeSide");
  c.rope_offset = number_of(field(object, "ropeOffset"), "ropeOffset");
  return c;
}

/// Runs `load` on a worker, on the call (paths, config, control).
template <typename Load>
Napi::Value load_model(const Napi::CallbackInfo& info, const char* name, Load load) {
  return run_job<std::shared_ptr<VisionModel>>(
      info[2], name, [=](const Job&) { return load(); },
      [](Napi::Env env, std::shared_ptr<VisionModel>& model) {
        return wrap(env, model, kVisionKind, model->bytes());
      });
}

/// loadClip(paths, config, control) → Promise<handle>
Napi::Value load_clip_model(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = strings_of(info[0], "paths");
  const ClipConfig config = clip_config_of(info[1]);
  return load_model(info, "loadClip", [=] { return load_clip(config, paths); });
}

/// loadSiglip(paths, sizes, control) → Promise<handle>
Napi::Value load_siglip_model(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = strings_of(info[0], "paths");
  const ModelSizes sizes = sizes_of(object_of(info[1], "config"));
  return load_model(info, "loadSiglip", [=] { return load_siglip(sizes, paths); });
}

/// loadDinov2(paths, config, control) → Promise<handle>
Napi::Value load_dinov2_model(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = strings_of(info[0], "paths");
  const Dinov2Config config = dinov2_config_of(info[1]);
  return load_model(info, "loadDinov2", [=] { return load_dinov2(config, paths); });
}

/// loadDinov3(paths, config, control) → Promise<handle>
Napi::Value load_dinov3_model(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = strings_of(info[0], "paths");
  const auto config = dinov3_config_of(info[1]);
  return load_model(info, "loadDinov3", [=] { return load_dinov3(config, paths); });
}

/// loadVit(paths, config, control) → Promise<handle>
Napi::Value load_vit_model(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = strings_of(info[0], "paths");
  const auto config = vit_config_of(info[1]);
  return load_model(info, "loadVit", [=] { return load_vit(config, paths); });
}

/// loadEva(paths, config, control) → Promise<handle>
Napi::Value load_eva_model(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = strings_of(info[0], "paths");
  const auto config = eva_config_of(info[1]);
  return load_model(info, "loadEva", [=] { return load_eva(config, paths); });
}

/// loadPerceptionEncoder(paths, config, control) → Promise<handle>
Napi::Value load_perception_encoder_model(const Napi::CallbackInfo& info) {
  const std::vector<std::string> paths = strings_of(info[0], "paths");
  const auto config = perception_encoder_config_of(info[1]);
  return load_model(info, "loadPerceptionEncoder", [=] { return load_perception_encoder(config, paths); });
}

}  // namespace

void register_vision_loaders(Napi::Env env, Napi::Object exports) {
  export_function<load_clip_model>(env, exports, "loadClip");
  export_function<load_siglip_model>(env, exports, "loadSiglip");
  export_function<load_dinov2_model>(env, exports, "loadDinov2");
  export_function<load_dinov3_model>(env, exports, "loadDinov3");
  export_function<load_vit_model>(env, exports, "loadVit");
  export_function<load_eva_model>(env, exports, "loadEva");
  export_function<load_perception_encoder_model>(env, exports, "loadPerceptionEncoder");
}

}  // namespace saev::bind

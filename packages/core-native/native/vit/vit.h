#pragma once
// Plain vision transformers: Hugging Face's ViT, DeiT and MAE encoders (`encoder.layer.*`), timm's
// VisionTransformer (`blocks.*`), by itself or as the trunk of an open_clip model.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vit/model_sizes.h"
#include "vit/vision_model.h"

namespace saev {

struct VitConfig : ModelSizes {
  bool transformers = true;  ///< names as Hugging Face's transformers has them, else timm's
  bool has_cls = true;
  bool distilled = false;           ///< DeiT's distillation token, after CLS and never recorded
  int64_t n_registers = 0;          ///< timm's `reg_token`
  bool prefix_positions = true;     ///< whether the tokens before the patches have positions
  bool norm_before_blocks = false;  ///< timm's `norm_pre`; the convolution then has no bias
  bool layer_scale = false;         ///< timm's `ls1.gamma`, `ls2.gamma`
  bool qkv_bias = true;
  bool swiglu = false;  ///< timm's packed SwiGLU
};

/// Loads the model from the files that hold its weights (`open_weight_files`), float16, bfloat16 or float32.
/// Throws Code::kBadFile with a line that lists every missing, misshapen or unexpected tensor.
std::shared_ptr<VisionModel> load_vit(const VitConfig& config, const std::vector<std::string>& paths);

}  // namespace saev

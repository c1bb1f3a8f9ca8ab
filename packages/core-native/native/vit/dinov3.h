#pragma once
// The vision transformers of DINOv3 as Hugging Face's transformers writes them: rotary positions, registers.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vit/model_sizes.h"
#include "vit/vision_model.h"

namespace saev {

/// A `config.json` of model_type "dinov3_vit", resolved.
struct Dinov3Config : ModelSizes {
  int64_t n_registers = 0;  ///< `register_tokens`
  double rope_theta = 100;  ///< of the slowest frequency's wavelength
  bool swiglu = false;      ///< `mlp.gate_proj`, `mlp.up_proj`
  bool query_bias = true, key_bias = false, value_bias = true;
};

/// Loads the model from the files that hold its weights (`open_weight_files`), float16, bfloat16 or float32.
/// Throws Code::kBadFile with a line that lists every missing, misshapen or unexpected tensor.
std::shared_ptr<VisionModel> load_dinov3(const Dinov3Config& config, const std::vector<std::string>& paths);

}  // namespace saev

#include "vit/vision_model.h"

#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/error.h"
#include "core/parallel.h"

namespace saev {
namespace {

/// Rows of one pass through the blocks: enough for full speed of the products, few enough for the caches.
constexpr int64_t kRowsPerPass = 2048;

void check_layers(const VisionShape& shape, const std::vector<int64_t>& layers) {
  if (layers.empty()) throw Error(Code::kInvalidArgument, "layers: expected at least one");
  for (const int64_t layer : layers) {
    if (layer >= 0 && layer < shape.n_layers) continue;
    throw Error(Code::kInvalidArgument, "layers: this model has layers 0 to " +
                                            std::to_string(shape.n_layers - 1) + ", found " +
                                            std::to_string(layer));
  }
}

/// CLS and patches of `n` images out of x [n, n_tokens, d] into out [n, layers, n_recorded, d] at `slot`.
/// Returns whether all of them are finite.
bool store(const VisionShape& s, const float* x, int64_t n, int64_t layers, int64_t slot, float* out) {
  std::atomic<bool> finite{true};
  const int64_t stride = s.n_recorded() * s.d_vit, first = s.has_cls ? 1 : 0;
  parallel_tasks(n, [&](int64_t image, int) {
    const float* from = x + image * s.n_tokens() * s.d_vit;
    float* to = out + (image * layers + slot) * stride;
    std::memcpy(to, from, static_cast<size_t>(first * s.d_vit) * sizeof(float));
    std::memcpy(to + first * s.d_vit, from + (first + s.n_registers) * s.d_vit,
                static_cast<size_t>(s.n_patches * s.d_vit) * sizeof(float));
    // 0 · x is NaN exactly where x is not finite: a sum that vectorises, unlike isfinite with an exit.
    float sum = 0;
    for (int64_t i = 0; i < stride; ++i) sum += to[i] * 0.f;
    if (!(sum == 0.f)) finite = false;
  });
  return finite;
}

}  // namespace

void check_input(const VisionShape& shape, const at::Tensor& input) {
  if (input.scalar_type() != at::kFloat || input.dim() != 4 || input.size(0) < 1 || input.size(1) != 3 ||
      input.size(2) != shape.height || input.size(3) != shape.width) {
    std::string found;
    for (const int64_t size : input.sizes()) found += (found.empty() ? "" : ", ") + std::to_string(size);
    throw Error(Code::kShapeMismatch, "input: expected float32 [n ≥ 1, 3, " + std::to_string(shape.height) +
                                          ", " + std::to_string(shape.width) + "], found " +
                                          std::string(c10::toString(input.scalar_type())) + " [" + found +
                                          "]");
  }
}

int64_t images_per_pass(const VisionShape& shape) {
  return std::max<int64_t>(1, kRowsPerPass / shape.n_tokens());
}

int64_t VisionModel::bytes() const {
  int64_t total = 0;
  for (const Block& block : blocks_) total += block.bytes();
  return total;
}

void VisionModel::prepare(Precision precision) {
  const bool half = precision == Precision::kBfloat16;
  if (half && !has_bfloat16()) {
    throw Error(Code::kUnsupported,
                "bfloat16 needs a CPU with AVX512-BF16, and this one has: " + cpu_features() +
                    (active_level() == Level::kAvx512
                         ? ""
                         : std::string(" (level in force: ") + level_name(active_level()) + ")") +
                    "; compute in float32");
  }
  const char* forced = std::getenv("SAEV_VIT_PRODUCT");
  const std::string product = forced == nullptr ? "" : forced;
  if (!product.empty() && product != "saev" && product != "library") {
    throw Error(Code::kInvalidArgument, "SAEV_VIT_PRODUCT must be saev or library; found '" + product + "'");
  }
  if (half) {
    for (const Block& block : blocks_) {
      if (const char* why = cannot_pack(block, precision)) {
        throw Error(Code::kUnsupported, std::string("this model cannot be computed in bfloat16: ") + why);
      }
    }
  }
  State found = State::kLoaded;
  if (!state_.compare_exchange_strong(found, State::kPreparing)) {
    throw Error(Code::kInvalidArgument, "a model is prepared once, before it is used");
  }
  for (Block& block : blocks_) {
    const char* why = cannot_pack(block, precision);
    if (why == nullptr && (half || product != "library")) pack_block(block, precision);
  }
  precision_ = precision;
  state_ = State::kReady;
}

void VisionModel::use() const {
  State found = State::kLoaded;
  if (state_.compare_exchange_strong(found, State::kReady) || found == State::kReady) return;
  throw Error(Code::kInvalidArgument, "the model is being prepared; wait for that to end");
}

at::Tensor record(const VisionModel& model, const at::Tensor& input, const std::vector<int64_t>& layers,
                  const Job& job) {
  const c10::InferenceMode no_autograd;
  const VisionShape& s = model.shape();
  check_input(s, input);
  check_layers(s, layers);
  model.use();
  const int64_t n = input.size(0), n_layers = static_cast<int64_t>(layers.size());
  const int64_t deepest = *std::max_element(layers.begin(), layers.end());
  at::Tensor out = at::empty({n, n_layers, s.n_recorded(), s.d_vit}, at::kFloat);
  float* data = out.mutable_data_ptr<float>();
  const int64_t per_pass = images_per_pass(s);
  for (int64_t from = 0; from < n; from += per_pass) {
    const int64_t images = std::min(per_pass, n - from);
    at::Tensor x = model.embed(input.narrow(0, from, images));
    BlockScratch scratch;
    for (int64_t layer = 0; layer <= deepest; ++layer) {
      job.check_abort();
      const bool last = layer == deepest;
      run_block(model.blocks()[layer], last ? nullptr : &model.blocks()[layer + 1], x, images, s.n_tokens(),
                scratch);
      for (int64_t slot = 0; slot < n_layers; ++slot) {
        if (layers[slot] != layer) continue;
        if (!store(s, x.const_data_ptr<float>(), images, n_layers, slot,
                   data + from * n_layers * s.n_recorded() * s.d_vit)) {
          throw Error(Code::kNumeric,
                      "layer " + std::to_string(layer) +
                          " gives an infinite or NaN activation: the weights or the images are "
                          "not what this model expects");
        }
      }
    }
    job.report({static_cast<double>(from + images), static_cast<double>(n), {}});
  }
  return out;
}

at::Tensor embedded(const VisionModel& model, const at::Tensor& input) {
  const c10::InferenceMode no_autograd;
  check_input(model.shape(), input);
  model.use();
  return model.embed(input).view({input.size(0), model.shape().n_tokens(), model.shape().d_vit});
}

}  // namespace saev

#pragma once
// What every family's vision transformer is to the rest of the code: something that turns images into tokens,
// a stack of residual blocks, and a rule for which tokens are recorded.

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/job.h"
#include "vit/block.h"
#include "vit/head.h"
#include "vit/vision_shape.h"

namespace saev {

class VisionModel {
 public:
  virtual ~VisionModel() = default;

  /// `input` [n, 3, height, width] float32 → what enters the first block, [n · n_tokens, d_vit], contiguous.
  virtual at::Tensor embed(const at::Tensor& input) const = 0;

  const VisionShape& shape() const { return shape_; }
  const std::vector<Block>& blocks() const { return blocks_; }
  const Head& head() const { return head_; }
  int64_t bytes() const;

  /// Puts the blocks' weights into the form that our products read, once, after loading. Float32 blocks that
  /// have no such form, and all of them where SAEV_VIT_PRODUCT is "library", stay on libtorch's products.
  /// Throws Code::kUnsupported, with the reason, for bfloat16 that this CPU or this model does not have, and
  /// kInvalidArgument when it was called before or the model has been used.
  void prepare(Precision precision);
  /// Called by whatever runs the model. Throws Code::kInvalidArgument while `prepare` runs.
  void use() const;
  /// What `prepare` was given.
  Precision precision() const { return precision_; }
  /// Whether products are ours.
  bool tiled() const { return !blocks_.empty() && blocks_.front().packed != nullptr; }

 protected:
  VisionShape shape_;
  std::vector<Block> blocks_;
  Head head_;

 private:
  enum class State { kLoaded, kPreparing, kReady };
  mutable std::atomic<State> state_{State::kLoaded};
  Precision precision_ = Precision::kFloat32;
};

/// Throws Code::kShapeMismatch unless `input` is float32 [n ≥ 1, 3, height, width].
void check_input(const VisionShape& shape, const at::Tensor& input);

/// Images that go through the blocks at once.
int64_t images_per_pass(const VisionShape& shape);

/// The outputs of the residual blocks `layers` (each in [0, n_layers), in any order, repeats allowed) as
/// [n, layers, n_recorded, d_vit] float32, in the order of `layers`. Blocks after the deepest one asked for
/// are not run. Images go through in groups, so that memory does not grow with n beyond input and result.
/// Throws Code::kShapeMismatch for an input of another shape, kInvalidArgument for a layer out of range,
/// kNumeric for an infinite or NaN activation, kAborted.
at::Tensor record(const VisionModel& model, const at::Tensor& input, const std::vector<int64_t>& layers,
                  const Job& job);

/// What enters the first block: [n, n_tokens, d_vit], registers included.
at::Tensor embedded(const VisionModel& model, const at::Tensor& input);

}  // namespace saev

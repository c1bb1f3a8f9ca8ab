#pragma once
// The second half of a forward pass, from the middle of the model: what a change of the residual stream
// after one block does to what the model gives in the end.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/job.h"
#include "vit/vision_model.h"

namespace saev {

/// The residual stream after block `layer`, all tokens of it: [n, n_tokens, d_vit] float32, registers
/// included, which `record` leaves out. Throws as `record`.
at::Tensor residual(const VisionModel& model, const at::Tensor& input, int64_t layer, const Job& job);

struct Outputs {
  at::Tensor tokens;     ///< [n, n_recorded, d_vit]: CLS and patches after the last block
  at::Tensor embedding;  ///< [n, Head::width]; undefined when the model has none
};

/// Runs the blocks after `layer` and the head. `stream` [n, n_tokens, d_vit] float32 is what `residual` gave
/// for `layer`; it is not changed. `replacement`, where defined, takes the place of its CLS and patches
/// [n, n_recorded, d_vit] or of its patches alone [n, n_patches, d_vit]. Without one, `tokens` has the bits
/// that `record` gives for the last block. Throws Code::kShapeMismatch, kInvalidArgument for a layer out of
/// range, kNumeric for an infinite or NaN activation, kAborted.
Outputs continue_from(const VisionModel& model, const at::Tensor& stream, const at::Tensor& replacement,
                      int64_t layer, const Job& job);

}  // namespace saev

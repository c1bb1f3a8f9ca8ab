#include "sae/aux_k.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/cpu/encode_relu.h"

namespace saev {
namespace {

/// Rows of W_enc and entries of b_enc of the dead latents.
void gather_encoder(const TrainState& state, const std::vector<int32_t>& dead, const Layout& own,
                    AuxScratch& scratch) {
  const int64_t stride = own.row_stride(), n = static_cast<int64_t>(dead.size());
  scratch.w_enc.at_least(own.encoder_size());
  scratch.b_enc.at_least(own.padded_sae());
  parallel_tasks(own.n_panels, [&](int64_t panel, int) {
    for (int64_t i = panel * kPanel; i < (panel + 1) * kPanel; ++i) {
      const int64_t j = i < n ? dead[static_cast<size_t>(i)] : -1;
      float* to = scratch.w_enc.data() + i * stride;
      if (j < 0) {
        std::fill_n(to, stride, 0.0f);
      } else {
        std::copy_n(state.w_enc.data() + j * stride, stride, to);
      }
      scratch.b_enc[static_cast<size_t>(i)] = j < 0 ? 0.0f : state.b_enc[static_cast<size_t>(j)];
    }
  });
}

}  // namespace

double aux_forward(const TrainState& state, const EncodeInput& input, const std::vector<int32_t>& dead,
                   const AuxK& aux, int64_t segment, const float* residual, float residual_scale,
                   AuxScratch& scratch) {
  const Layout& layout = state.layout;
  const Layout own(layout.d_vit, static_cast<int64_t>(dead.size()), state.level);
  gather_encoder(state, dead, own, scratch);
  EncodeInput in = input;
  in.w_enc = scratch.w_enc.data();
  in.b_enc = scratch.b_enc.data();
  in.slices = nullptr;
  in.slice_shift = nullptr;
  encode_top_k(state.level, own, in, segment,
               {aux.k, aux.form == AuxForm::kPublished, dead.data(), layout.padded_sae()}, scratch.encode,
               scratch.top_k, scratch.lists);
  scratch.error.at_least(input.rows * layout.padded_vit());
  scratch.column_sums.at_least(layout.padded_vit());
  const double entries = static_cast<double>(input.rows) * static_cast<double>(layout.d_vit);
  DecodeTarget target;
  target.start = residual;
  target.factor = 1 / residual_scale;
  target.bias = aux.form == AuxForm::kPythonPackage ? state.b_dec.data() : nullptr;
  const ForwardError error =
      decode_error(state.level, layout, state.w_dec.data(), scratch.lists, target, {},
                   static_cast<float>(2 * aux.alpha / entries), scratch.error.data(),
                   scratch.column_sums.data(), {false, true, input.job}, scratch.decode);
  return aux.alpha * error.squares / entries;
}

}  // namespace saev

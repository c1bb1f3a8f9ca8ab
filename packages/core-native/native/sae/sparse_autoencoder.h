#pragma once
// A trained sparse autoencoder, ready to encode: h = (x − b_dec) W_enc + b_enc, or with x in place of x −
// b_dec when its file says so; f is what its activation makes of h; x̂ = f W_dec + b_dec.

#include "core/aligned.h"
#include "sae/activation.h"
#include "sae/active_lists.h"
#include "sae/decode.h"
#include "sae/encode.h"
#include "sae/encode_top_k.h"
#include "sae/encoder.h"
#include "sae/layout.h"
#include "sae/params.h"

namespace saev {

class SparseAutoencoder final : public Encoder {
 public:
  /// Copies the parameters. Throws Code::kShapeMismatch when their sizes do not agree, Code::kNumeric when
  /// one of them is not finite, and as check_activation and check_kind do.
  explicit SparseAutoencoder(const Params& params, EncoderInput input = EncoderInput::kCentred,
                             const Activation& activation = {});

  int64_t d_vit() const override { return layout_.d_vit; }
  int64_t d_sae() const override { return layout_.d_sae; }
  EncoderInput encoder_input() const { return input_; }
  const Activation& activation() const { return activation_; }

  std::unique_ptr<State> state() const override { return std::make_unique<EncodeState>(); }
  void encode(const float* x, int64_t rows, SparseBatch& out, State* state = nullptr) const override;
  /// x̂ [rows, d_vit] of f. Throws Code::kShapeMismatch when f has another d_sae or holds latents that do not
  /// exist.
  void decode(const SparseBatch& f, float* x_hat) const;

  /// W_enc does not change, so that the 8-bit copy that says which products float32 must make
  /// (encoder_screen.h) is made once, by the first batch that it is expected to be faster for: a quarter of
  /// W_enc's memory. So are the panels of the float32 product, by the first batch without it: as much memory
  /// as W_enc.
  struct EncodeState final : State {
    EncodeScratch scratch;
    RowTopKScratch top_k;
    ActiveLists lists;  ///< active latents of the last batch
    ScreenChoice choice;
    FloorGuess guess;
    double density = 0;    ///< of the last batch; few latents are active in most SAEs
    uint64_t screens = 0;  ///< the `number_` whose W_enc the screen has
    uint64_t panels = 0;   ///< the `number_` whose W_enc the panels hold
  };

  /// Scratch of `error`, kept between batches; `gradient` holds the errors x̂ − x of the last one as
  /// [slice][row][slice_width].
  struct Scratch {
    EncodeState encode;
    DecodeScratch decode;
    AlignedArray<float> residual, gradient, column_sums;
  };
  /// Σ ‖x̂ − x‖², Σ |f| and the number of f ≠ 0 over rows x [rows, d_vit].
  ForwardError error(const float* x, int64_t rows, Scratch& scratch, const Job* job = nullptr) const;
  /// The same of the first `length` latents alone, after `error` with this scratch. `lists` begins as a copy
  /// of its lists and is cut to them, so that lengths must descend from call to call.
  ForwardError prefix_error(int64_t length, ActiveLists& lists, Scratch& scratch,
                            const Job* job = nullptr) const;
  const Layout& layout() const { return layout_; }

  /// The parameters as files hold them: the same bits that the constructor was given.
  Params params() const;

 private:
  void encode_lists(EncodeInput& input, EncodeState& state) const;
  void select(EncodeInput& input, EncodeState& state) const;
  bool screen(EncodeInput& input, EncodeState& state) const;
  const float* panels(EncodeState& state) const;

  uint64_t number_;  ///< from 1, never twice: an address may come again
  Level level_;
  Layout layout_;
  EncoderInput input_;
  Activation activation_;
  AlignedArray<float> w_enc_, b_enc_, w_dec_, b_dec_;
  std::vector<float> threshold_, r_mag_, b_mag_;  ///< of the kinds that have them, as given
  AlignedArray<float> bias_;                      ///< jump-relu: b_enc − θ
  std::vector<GatedLatent> gated_;
};

/// Turns segmented lists into compressed rows.
void to_sparse_batch(const ActiveLists& lists, int64_t d_sae, SparseBatch& out);

}  // namespace saev

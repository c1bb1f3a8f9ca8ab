#pragma once
// x → active latents, for a whole batch on all cores.

#include "core/aligned.h"
#include "core/job.h"
#include "kernels/cpu/encode_half.h"
#include "sae/active_lists.h"
#include "sae/encoder_screen.h"
#include "sae/layout.h"
#include "sae/params.h"

namespace saev {

struct EncodeInput {
  const float* x = nullptr;  ///< [rows, d_vit], C order
  int64_t rows = 0;
  const float* w_enc = nullptr;        ///< rows; not read where there are `panels`
  const float* b_enc = nullptr;        ///< [padded_sae]
  const float* shift = nullptr;        ///< [d_vit], b_dec in the centred convention, else null
  const float* slice_shift = nullptr;  ///< [d_vit], b_dec
  float* slices = nullptr;             ///< out, or null: x − slice_shift as [slice][row][slice_width]
  const Job* job = nullptr;            ///< polled by each task; an abort throws Code::kAborted
  float floor = 0;                     ///< pre-activations above it are active: 0 for ReLU
  /// Prepared for this input, or null: every product is made in float32. Lists are the same.
  const EncoderScreen* screen = nullptr;
  /// W_enc as `pack_panels` leaves it, or null: it is packed in `room` where no screen is used.
  const float* panels = nullptr;
  float* room = nullptr;  ///< [encoder_size], or null: the scratch has its own
  /// Where products are of bfloat16, how; null: of float32. Not together with a screen.
  const HalfEncoder* half = nullptr;
  /// W_enc as `half->pack_panels` leaves it, with kHalfSlack beyond, or null: it is packed in the scratch.
  const uint16_t* half_panels = nullptr;
};

/// Most row blocks of a task.
inline constexpr int64_t kBlocksTogether = 4;

/// Scratch of the threads, kept between batches.
struct EncodeScratch {
  struct Thread {
    AlignedArray<float> rows, packed;
    AlignedArray<uint16_t> half_packed;
    AlignedArray<float> row_value;
    AlignedArray<uint16_t> row_index;
    AlignedArray<float> floor;
    // Where products are screened.
    AlignedArray<uint8_t> bytes;
    AlignedArray<float> scale, error, size, beside, buffer;
    AlignedArray<uint16_t> by_latent;
    AlignedArray<int32_t> position, start;
    std::vector<int> count;
    int64_t candidates = 0;  ///< pairs computed in float32, since somebody set it to 0
  };
  std::vector<Thread> threads;  ///< kBlocksTogether a thread, one for each block of its task
  EncoderScreen screen;
  AlignedArray<float> panels;  ///< W_enc packed, where the input has no room for it
  AlignedArray<uint16_t> half_panels;

  float* room_for_panels(const Layout& layout);
};

/// W_enc, rows, as the float32 product reads it, on all cores. `panels` has room for encoder_size.
void pack_encoder_panels(Level level, const Layout& layout, const float* w_enc, float* panels);

/// Slots for the threads, and W_enc packed once for all row blocks. Returns `input` with it.
EncodeInput prepare_encode(Level level, const Layout& layout, const EncodeInput& input,
                           EncodeScratch& scratch);

/// Pairs computed in float32 because a screen let them pass, since `start_screen`.
int64_t screened_candidates(const EncodeScratch& scratch);
/// Makes the screen of `input`, and sets it there.
void start_screen(Level level, const Layout& layout, EncodeInput& input, EncodeScratch& scratch);

/// h > floor as lists in segments of `segment` latents (a multiple of kPanel, at most 65536).
void encode(Level level, const Layout& layout, const EncodeInput& input, int64_t segment,
            EncodeScratch& scratch, ActiveLists& out);

}  // namespace saev

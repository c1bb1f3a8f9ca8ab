#pragma once
// From decoded pixels to what a ViT takes: resize, crop or pad, / 255, minus mean, over std.

#include <array>
#include <cstdint>

#include "image/resample.h"

namespace saev {

/// How an image is brought to `Transform::resize_height` × `resize_width`.
enum class ResizeMode {
  kShortest,  ///< shorter side to the size, aspect kept; rounding as torchvision's `Resize(int)`
  kSquash,    ///< both sides, aspect ignored
  kLongest,   ///< longer side to the size, aspect kept, centred on black
};

/// What a model's own code does to an image before its first layer.
struct Transform {
  ResizeMode mode = ResizeMode::kShortest;
  int64_t resize_height = 0, resize_width = 0;
  int64_t height = 0, width = 0;  ///< of the result; cut from the centre
  Filter filter = Filter::kBicubic;
  std::array<float, 3> mean{}, std{};
  /// v · (1 / 255) instead of v / 255, which rounds otherwise: torchvision's v2 does the former.
  bool reciprocal = false;
  /// Where half a pixel is left of the cut: down, as transformers, instead of to even, as torchvision.
  bool crop_down = false;
  /// Whether pixels are scaled to [0, 1] before they are resized, so that nothing is rounded to bytes.
  bool unrounded = false;
};

/// `src` [height, width, 3] → `dst` [3, t.height, t.width]: everything that a transform says.
void preprocess(const uint8_t* src, int64_t height, int64_t width, const Transform& t, float* dst);

/// Resized and cropped pixels, as bytes whatever the transform says, of `src` [height, width, 3] as `dst`
/// [t.height, t.width, 3].
void resize_and_crop(const uint8_t* src, int64_t height, int64_t width, const Transform& t, uint8_t* dst);

/// (v / 255 − mean) / std per channel: `src` [height, width, 3] to `dst` [3, height, width]. Every step
/// rounds as float32, so the result equals torchvision's to the bit.
void normalise(const uint8_t* src, const Transform& t, float* dst);

/// Throws Code::kInvalidArgument for a transform that cannot work.
void check_transform(const Transform& t);

}  // namespace saev

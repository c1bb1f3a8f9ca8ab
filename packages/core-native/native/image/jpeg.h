#pragma once
// JPEG through libjpeg-turbo, where the build found it: the same bytes as Pillow, which uses it too, in a
// third of the time that libvips takes, and on whatever thread it is called.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace saev {

struct RgbImage {
  std::vector<uint8_t> data;  ///< [height, width, 3]
  int64_t height = 0, width = 0;
};

/// The usual kinds: 8 bits, grey or YCbCr with 4:4:4, 4:2:2 or 4:2:0 sampling, baseline or progressive,
/// without a single complaint of the library. Nothing for all else (other files, more pixels than
/// `max_pixels`, anything odd or damaged), which the caller hands to a decoder that knows more and says what
/// is wrong.
std::optional<RgbImage> decode_jpeg(std::span<const uint8_t> file, int64_t max_pixels);

/// "libjpeg-turbo 2.1.5", or empty where this build has none.
std::string jpeg_library();

}  // namespace saev

#include "image/jpeg.h"

#if defined(SAEV_HAS_JPEG)
#include <csetjmp>
#include <cstdio>
// After cstdio, which it needs.
#include <jpeglib.h>
#endif

namespace saev {

#if defined(SAEV_HAS_JPEG) && defined(LIBJPEG_TURBO_VERSION)
namespace {

/// Scans of a progressive file: honest ones have about ten, and each costs a pass over the image.
constexpr int kMostScans = 100;

struct Errors {
  jpeg_error_mgr base;
  std::jmp_buf give_up;
};

[[noreturn]] void give_up(j_common_ptr info) {
  std::longjmp(reinterpret_cast<Errors*>(info->err)->give_up, 1);
}
/// Negative levels are warnings: damage that the library papers over.
void on_message(j_common_ptr info, int level) {
  if (level < 0) give_up(info);
}
void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMostScans) give_up(info);
}

bool usual(const jpeg_decompress_struct& d) {
  if (d.data_precision != 8 || d.arith_code) return false;
  if (d.num_components == 1) return d.jpeg_color_space == JCS_GRAYSCALE;
  if (d.num_components != 3 || d.jpeg_color_space != JCS_YCbCr) return false;
  const jpeg_component_info* c = d.comp_info;
  for (int i = 1; i < 3; ++i) {
    if (c[i].h_samp_factor != 1 || c[i].v_samp_factor != 1) return false;
  }
  const int h = c[0].h_samp_factor, v = c[0].v_samp_factor;
  return (h == 1 || h == 2) && (v == 1 || (v == 2 && h == 2));
}

/// Everything with a destructor belongs to the caller: longjmp skips none.
bool decode(jpeg_decompress_struct& d, Errors& errors, std::span<const uint8_t> file, int64_t max_pixels,
            RgbImage& out) {
  if (setjmp(errors.give_up) != 0) return false;
  jpeg_create_decompress(&d);
  jpeg_progress_mgr progress{};
  progress.progress_monitor = on_progress;
  d.progress = &progress;
  jpeg_mem_src(&d, file.data(), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&d, TRUE);
  const int64_t width = d.image_width, height = d.image_height;
  if (!usual(d) || width < 1 || height < 1 || width > max_pixels / height) return false;
  d.out_color_space = JCS_RGB;
  jpeg_start_decompress(&d);
  out.width = width;
  out.height = height;
  out.data.resize(static_cast<size_t>(width * height * 3));
  while (d.output_scanline < d.output_height) {
    uint8_t* rows[8];
    const int64_t at = d.output_scanline;
    const int n = static_cast<int>(height - at < 8 ? height - at : 8);
    for (int i = 0; i < n; ++i) rows[i] = out.data.data() + (at + i) * width * 3;
    jpeg_read_scanlines(&d, rows, static_cast<JDIMENSION>(n));
  }
  jpeg_finish_decompress(&d);
  return true;
}

}  // namespace

std::optional<RgbImage> decode_jpeg(std::span<const uint8_t> file, int64_t max_pixels) {
  if (file.size() < 4 || file[0] != 0xff || file[1] != 0xd8) return std::nullopt;
  jpeg_decompress_struct d{};
  Errors errors{};
  // All of it by hand: the library's own handler writes to stderr, and in distributions' archives is not made
  // for shared objects.
  d.err = &errors.base;
  errors.base.error_exit = give_up;
  errors.base.emit_message = on_message;
  errors.base.output_message = [](j_common_ptr) {};
  errors.base.format_message = [](j_common_ptr, char* text) { *text = 0; };
  errors.base.reset_error_mgr = [](j_common_ptr info) { info->err->num_warnings = 0; };
  struct Destroy {
    jpeg_decompress_struct& d;
    ~Destroy() { jpeg_destroy_decompress(&d); }
  } const destroy{d};
  RgbImage out;
  if (!decode(d, errors, file, max_pixels, out)) return std::nullopt;
  return out;
}

std::string jpeg_library() {
#define SAEV_TEXT_(x) #x
#define SAEV_TEXT(x) SAEV_TEXT_(x)
  return "libjpeg-turbo " SAEV_TEXT(LIBJPEG_TURBO_VERSION);
}
#else
std::optional<RgbImage> decode_jpeg(std::span<const uint8_t>, int64_t) {
  return std::nullopt;
}
std::string jpeg_library() {
  return {};
}
#endif

}  // namespace saev

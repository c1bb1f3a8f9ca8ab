#include "vit/model_sizes.h"

#include <string>

#include "core/error.h"

namespace saev {

void check_within(int64_t value, int64_t least, int64_t most, const char* name) {
  if (value >= least && value <= most) return;
  throw Error(Code::kBadFile, std::string("model config: ") + name + " must lie between " +
                                  std::to_string(least) + " and " + std::to_string(most) + ", found " +
                                  std::to_string(value));
}

void check_rope_sizes(const ModelSizes& c) {
  if (c.d_vit / c.heads % 4 == 0) return;
  throw Error(Code::kBadFile, "model config: heads of width " + std::to_string(c.d_vit / c.heads) +
                                  " cannot have rotary positions; expected a multiple of 4");
}

void check_sizes(const ModelSizes& c) {
  const auto within = [](int64_t value, int64_t most, const char* name) {
    check_within(value, 1, most, name);
  };
  within(c.height, 16384, "image height");
  within(c.width, 16384, "image width");
  within(c.patch_height, c.height, "patch height");
  within(c.patch_width, c.width, "patch width");
  within(c.n_layers, 1000, "layers");
  within(c.d_vit, 65536, "width");
  within(c.heads, c.d_vit, "heads");
  within(c.hidden, 1 << 20, "hidden width of the MLP");
  if (c.d_vit % c.heads != 0) {
    throw Error(Code::kBadFile, "model config: width " + std::to_string(c.d_vit) + " is no multiple of the " +
                                    std::to_string(c.heads) + " heads");
  }
  if (!(c.eps > 0 && c.eps < 1)) throw Error(Code::kBadFile, "model config: eps must lie between 0 and 1");
}

}  // namespace saev

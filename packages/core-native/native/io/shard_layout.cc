#include "io/shard_layout.h"

#include <cstdio>

#include "core/error.h"

namespace saev {

void ShardLayout::check() const {
  const auto wrong = [](const std::string& what) {
    return Error(Code::kInvalidArgument, "shard layout: " + what);
  };
  if (n_imgs < 0) throw wrong("the number of images is negative");
  if (n_layers < 1 || n_tokens < 1 || d_vit < 1) throw wrong("layers, tokens and d_vit must be 1 or more");
  if (n_imgs_per_shard < 1) {
    throw wrong("n_patches_per_shard is too small for one image; it must be at least " +
                std::to_string(n_layers) + " layers x " + std::to_string(n_tokens) + " tokens");
  }
  int64_t size = bytes_of(dtype);
  for (const int64_t factor : {n_layers, n_tokens, d_vit, n_imgs_per_shard}) {
    if (__builtin_mul_overflow(size, factor, &size)) throw wrong("a shard would have more than 2^63 bytes");
  }
  int64_t all = 0;
  if (__builtin_mul_overflow(bytes_per_img(), n_imgs, &all))
    throw wrong("all shards would have more than 2^63 bytes");
}

std::string shard_name(int64_t shard) {
  char name[48];
  std::snprintf(name, sizeof name, "acts%06lld.bin", static_cast<long long>(shard));
  return name;
}

}  // namespace saev

#include "io/shard_reader.h"

#include <utility>

#include "core/error.h"
#include "io/shard_layout.h"

namespace saev {
namespace {

/// Product of sizes that come from a file, or an error instead of an overflow.
int64_t bytes_of_shard(const RecordedShards& l) {
  int64_t bytes = sizeof(float);
  for (const int64_t size : {l.imgs_per_shard, l.n_layers, l.n_tokens, l.d_vit}) {
    if (size <= 0 || bytes > INT64_MAX / size) {
      throw Error(Code::kInvalidArgument,
                  l.dir + ": the sizes in metadata.json must be positive, with less than 2^63 bytes a shard");
    }
    bytes *= size;
  }
  return bytes;
}

}  // namespace

ShardReader::ShardReader(RecordedShards layout) : layout_(std::move(layout)) {
  const int64_t expected = bytes_of_shard(layout_);
  if (layout_.n_imgs <= 0) throw Error(Code::kInvalidArgument, layout_.dir + ": n_imgs must be positive");
  const int64_t n_shards = (layout_.n_imgs + layout_.imgs_per_shard - 1) / layout_.imgs_per_shard;
  for (int64_t i = 0; i < n_shards; ++i) {
    const std::string path = layout_.dir + "/" + shard_name(i);
    auto file = MappedFile::open(path);
    if (static_cast<int64_t>(file->size()) != expected) {
      throw Error(Code::kBadFile, path + ": expected " + std::to_string(expected) +
                                      " bytes from metadata.json, found " + std::to_string(file->size()) +
                                      "; record these activations again");
    }
    shards_.push_back(std::move(file));
  }
}

const float* ShardReader::token(int64_t image, int64_t layer, int64_t token) const {
  const int64_t within = image % layout_.imgs_per_shard;
  const int64_t offset = ((within * layout_.n_layers + layer) * layout_.n_tokens + token) * layout_.d_vit;
  const auto& shard = shards_[static_cast<size_t>(image / layout_.imgs_per_shard)];
  return reinterpret_cast<const float*>(shard->bytes().data()) + offset;
}

void ShardReader::check_unchanged() const {
  for (const auto& shard : shards_) shard->check_unchanged();
}

}  // namespace saev

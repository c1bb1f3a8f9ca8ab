#include "io/shard_reader.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/error.h"

namespace saev {

ShardReader::ShardReader(RecordedShards shards) : shards_(std::move(shards)) {
  const ShardLayout& l = shards_.layout;
  l.check();
  if (l.n_imgs < 1) throw Error(Code::kInvalidArgument, shards_.dir + ": n_imgs must be positive");
  for (int64_t i = 0; i < l.n_shards(l.n_imgs); ++i) {
    const std::string path = shards_.dir + "/" + shard_name(i);
    auto file = MappedFile::open(path);
    const int64_t images = std::min(l.n_imgs_per_shard, l.n_imgs - i * l.n_imgs_per_shard);
    const auto size = static_cast<int64_t>(file->size());
    if (size != l.bytes_per_shard() && !(shards_.short_last && size == images * l.bytes_per_img())) {
      throw Error(Code::kBadFile, path + ": expected " + std::to_string(l.bytes_per_shard()) +
                                      " bytes from metadata.json, found " + std::to_string(file->size()) +
                                      "; record these activations again");
    }
    guards_.push_back(std::make_unique<const ReadGuard>(file->bytes()));
    files_.push_back(std::move(file));
  }
}

const void* ShardReader::token(int64_t image, int64_t layer, int64_t token) const {
  const ShardLayout& l = shards_.layout;
  const int64_t within = image % l.n_imgs_per_shard;
  const int64_t offset = within * l.values_per_img() + (layer * l.n_tokens + token) * l.d_vit;
  const auto& file = files_[static_cast<size_t>(image / l.n_imgs_per_shard)];
  return file->bytes().data() + offset * bytes_of(l.dtype);
}

void ShardReader::advise(int64_t image, int64_t layer, int64_t token, int64_t tokens,
                         PageAdvice advice) const {
  const ShardLayout& l = shards_.layout;
  const int64_t bytes_per_token = l.bytes_per_img() / (l.n_layers * l.n_tokens);
  const int64_t first = (image % l.n_imgs_per_shard * l.n_layers + layer) * l.n_tokens + token;
  const auto& file = files_[static_cast<size_t>(image / l.n_imgs_per_shard)];
  saev::advise(file->bytes().subspan(static_cast<size_t>(first * bytes_per_token),
                                     static_cast<size_t>(tokens * bytes_per_token)),
               advice);
}

void ShardReader::check_read() const {
  for (size_t i = 0; i < guards_.size(); ++i) {
    if (!guards_[i]->failed()) continue;
    files_[i]->check_unchanged();
    throw Error(Code::kIo,
                "cannot read " + files_[i]->path() +
                    ": the system could not get a part of it from the disk; look at the disk, or record "
                    "these activations again");
  }
}

void ShardReader::check_unchanged() const {
  constexpr size_t kFew = 64;
  constexpr int64_t kShare = 20;  // 1/20 of the time
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  const int64_t start = now();
  if (files_.size() > kFew && start < next_check_.load(std::memory_order_relaxed)) return;
  for (const auto& file : files_) file->check_unchanged();
  const int64_t end = now();
  next_check_.store(end + kShare * (end - start), std::memory_order_relaxed);
}

}  // namespace saev

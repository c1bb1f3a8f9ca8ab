#include "io/shard_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/error.h"
#include "io/atomic_file.h"
#include "io/path_size.h"

namespace saev {
namespace {

constexpr auto kCheckpointInterval = std::chrono::seconds(2);

}  // namespace

ShardWriter::~ShardWriter() {
  for (const int fd : full_fds_) ::close(fd);
  if (part_fd_ >= 0) ::close(part_fd_);
}

std::string ShardWriter::path_of(int64_t shard, bool part) const {
  return folder_ + "/" + shard_name(shard) + (part ? ".part" : "");
}

void ShardWriter::open_part(int64_t shard) {
  const std::string path = path_of(shard, true);
  part_fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (part_fd_ < 0) throw io_error("cannot write", path, errno);
  part_ = shard;
  // Drops what a dead run had written beyond the last whole batch.
  const int64_t done = std::max<int64_t>(0, next_image() - shard * layout_.n_imgs_per_shard);
  if (::ftruncate(part_fd_, static_cast<off_t>(done * layout_.bytes_per_img())) != 0) {
    throw io_error("cannot write", path, errno);
  }
  hash_prefix(done * layout_.bytes_per_img(), path);
}

/// What an earlier run wrote of the part: its digest goes on from there.
void ShardWriter::hash_prefix(int64_t size, const std::string& path) {
  hash_ = Sha256();
  std::vector<char> buffer(static_cast<size_t>(std::min<int64_t>(size, int64_t{1} << 20)));
  for (int64_t at = 0; at < size;) {
    const auto want = static_cast<size_t>(std::min<int64_t>(size - at, static_cast<int64_t>(buffer.size())));
    const ssize_t n = ::pread(part_fd_, buffer.data(), want, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw io_error("cannot read", path, n < 0 ? errno : EIO);
    hash_.update(buffer.data(), static_cast<size_t>(n));
    at += n;
  }
}

void ShardWriter::write_images(const std::byte* acts, int64_t n) {
  while (n > 0) {
    const int64_t shard = next_image() / layout_.n_imgs_per_shard;
    const int64_t within = next_image() % layout_.n_imgs_per_shard;
    if (part_ != shard) open_part(shard);
    const int64_t now = std::min(n, layout_.n_imgs_per_shard - within);
    write_fully(part_fd_, acts, static_cast<size_t>(now * layout_.bytes_per_img()),
                static_cast<size_t>(within * layout_.bytes_per_img()), path_of(shard, true));
    hash_.update(acts, static_cast<size_t>(now * layout_.bytes_per_img()));
    acts += now * layout_.bytes_per_img();
    n -= now;
    pending_images_ += now;
    if (within + now == layout_.n_imgs_per_shard) {
      sums_[shard] = hash_.hex();
      full_fds_.push_back(part_fd_);
      part_fd_ = -1;
      part_ = -1;
    }
  }
}

template <typename Action>
void ShardWriter::guarded(Action action) {
  if (failed_) {
    throw Error(Code::kIo, "writing to " + folder_ + " failed before; open it again to go on after image " +
                               std::to_string(status_.images_done));
  }
  try {
    action();
  } catch (...) {
    failed_ = true;
    throw;
  }
}

void ShardWriter::write(const float* acts, int64_t n, std::span<const int64_t> holes) {
  if (status_.complete)
    throw Error(Code::kInvalidArgument, folder_ + " is complete; nothing can be added to it");
  if (n < 0 || n > layout_.n_imgs - next_image()) {
    throw Error(Code::kInvalidArgument, "a batch of " + std::to_string(n) + " images after " +
                                            std::to_string(next_image()) + " exceeds the dataset's " +
                                            std::to_string(layout_.n_imgs));
  }
  for (size_t i = 0; i < holes.size(); ++i) {
    if (holes[i] < 0 || holes[i] >= n || (i > 0 && holes[i] <= holes[i - 1])) {
      throw Error(Code::kInvalidArgument, "holes: expected ascending places within the batch");
    }
  }
  if (failed_) return guarded([] {});
  const std::byte* stored = as_stored(acts, n, holes);
  guarded([&] {
    write_batch(stored, n, holes);
    if (!full_fds_.empty() || std::chrono::steady_clock::now() - last_checkpoint_ >= kCheckpointInterval) {
      make_durable();
    }
  });
}

/// A batch's bytes on disk. What is at the place of a hole is of no matter.
const std::byte* ShardWriter::as_stored(const float* acts, int64_t n, std::span<const int64_t> holes) {
  if (layout_.dtype == StoredDtype::kFloat32) return reinterpret_cast<const std::byte*>(acts);
  stored_.resize(static_cast<size_t>(n * layout_.bytes_per_img()));
  size_t hole = 0;
  for (int64_t image = 0; image < n; ++image) {
    if (hole < holes.size() && holes[hole] == image) {
      ++hole;
      continue;
    }
    const float* values = acts + image * layout_.values_per_img();
    const int64_t over = write_stored(layout_.dtype, values, layout_.values_per_img(),
                                      stored_.data() + image * layout_.bytes_per_img());
    if (over < 0) continue;
    const int64_t token = over / layout_.d_vit;
    throw Error(
        Code::kNumeric,
        "dtype: image " + std::to_string(next_image() + image) + ", token " +
            std::to_string(token % layout_.n_tokens) + " has the activation " + std::to_string(values[over]) +
            ", too large for " + name_of(layout_.dtype) +
            (layout_.dtype == StoredDtype::kFloat16 ? " (65504 at most); record in bfloat16 or float32"
                                                    : "; record in float32"));
  }
  return stored_.data();
}

void ShardWriter::write_batch(const std::byte* acts, int64_t n, std::span<const int64_t> holes) {
  const int64_t first = next_image();
  const std::vector<std::byte> zeros(holes.empty() ? 0 : static_cast<size_t>(layout_.bytes_per_img()));
  int64_t at = 0;
  for (const int64_t hole : holes) {
    write_images(acts + at * layout_.bytes_per_img(), hole - at);
    write_images(zeros.data(), 1);
    pending_holes_.push_back(first + hole);
    at = hole + 1;
  }
  write_images(acts + at * layout_.bytes_per_img(), n - at);
}

void ShardWriter::checkpoint() {
  guarded([this] { make_durable(); });
}

void ShardWriter::make_durable() {
  if (pending_images_ == 0) return;
  for (const int fd : full_fds_) {
    if (::fsync(fd) != 0) throw io_error("cannot write", folder_, errno);
  }
  if (part_fd_ >= 0 && ::fsync(part_fd_) != 0) throw io_error("cannot write", path_of(part_, true), errno);
  sync_folder(folder_);  // the names of new parts
  if (!full_fds_.empty()) write_checksums(folder_, sums_);
  ShardStatus next = status_;
  next.images_done += pending_images_;
  next.holes.insert(next.holes.end(), pending_holes_.begin(), pending_holes_.end());
  write_shard_status(folder_, next);
  status_ = std::move(next);
  pending_images_ = 0;
  pending_holes_.clear();
  seal_full_parts();
  last_checkpoint_ = std::chrono::steady_clock::now();
}

void ShardWriter::seal_full_parts() {
  for (const int fd : full_fds_) ::close(fd);
  if (full_fds_.empty()) return;
  full_fds_.clear();
  const int64_t full = status_.images_done / layout_.n_imgs_per_shard;
  for (; first_unsealed_ < full; ++first_unsealed_) {
    const std::string part = path_of(first_unsealed_, true);
    if (::rename(part.c_str(), path_of(first_unsealed_, false).c_str()) != 0) {
      throw io_error("cannot rename", part, errno);
    }
  }
  sync_folder(folder_);
}

void ShardWriter::finish() {
  if (status_.complete) return;
  guarded([this] {
    make_durable();
    seal_last();
  });
}

void ShardWriter::adopt(int64_t images, std::vector<int64_t> holes, Checksums sums) {
  if (status_.complete || next_image() > 0) {
    throw Error(Code::kInvalidArgument, folder_ + " has images of its own; recorded parts cannot be added");
  }
  if (images < 0 || images > layout_.n_imgs) {
    throw Error(Code::kInvalidArgument, "images: expected 0 to " + std::to_string(layout_.n_imgs) +
                                            ", found " + std::to_string(images));
  }
  for (size_t i = 0; i < holes.size(); ++i) {
    if (holes[i] < 0 || holes[i] >= images || (i > 0 && holes[i] <= holes[i - 1])) {
      throw Error(Code::kInvalidArgument, "holes: expected ascending numbers of recorded images");
    }
  }
  const int64_t shards = layout_.n_shards(images);
  for (int64_t shard = 0; shard < shards; ++shard) {
    const std::string path = path_of(shard, false);
    if (path_size(path) == layout_.bytes_per_shard()) continue;
    throw Error(Code::kBadFile, path + ": expected a file of " + std::to_string(layout_.bytes_per_shard()) +
                                    " bytes from the part that recorded it; record that part again");
  }
  guarded([&] {
    sync_folder(folder_);
    sums.erase(sums.lower_bound(shards), sums.end());
    if (shards > 0) write_checksums(folder_, sums);
    ShardStatus next = status_;
    next.complete = true;
    next.images_done = images;
    next.holes = std::move(holes);
    write_shard_status(folder_, next);
    status_ = std::move(next);
    sums_ = std::move(sums);
    first_unsealed_ = shards;
  });
}

void ShardWriter::seal_last() {
  const int64_t shards = layout_.n_shards(status_.images_done);
  if (shards > first_unsealed_) {
    const std::string part = path_of(first_unsealed_, true);
    if (part_fd_ < 0) open_part(first_unsealed_);
    const int64_t last = status_.images_done - first_unsealed_ * layout_.n_imgs_per_shard;
    hash_.update_zeros(static_cast<uint64_t>(layout_.bytes_per_shard() - last * layout_.bytes_per_img()));
    sums_[first_unsealed_] = hash_.hex();
    if (::ftruncate(part_fd_, static_cast<off_t>(layout_.bytes_per_shard())) != 0 || ::fsync(part_fd_) != 0) {
      throw io_error("cannot write", part, errno);
    }
  }
  sums_.erase(sums_.lower_bound(shards), sums_.end());
  if (shards > 0) write_checksums(folder_, sums_);
  // From here on a rerun finds a full part and renames it, as for every other shard.
  ShardStatus next = status_;
  next.complete = true;
  write_shard_status(folder_, next);
  status_ = std::move(next);
  if (shards > first_unsealed_) {
    const std::string part = path_of(first_unsealed_, true);
    ::close(part_fd_);
    part_fd_ = -1;
    if (::rename(part.c_str(), path_of(first_unsealed_, false).c_str()) != 0) {
      throw io_error("cannot rename", part, errno);
    }
    ++first_unsealed_;
    sync_folder(folder_);
  }
}

}  // namespace saev

// How a recording begins, or goes on from what an earlier run left.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/mapped_file.h"
#include "io/path_size.h"
#include "io/shard_writer.h"

namespace saev {
namespace {

void create_folder(const std::string& folder) {
  std::error_code failure;
  const auto path = std::filesystem::path(folder);
  if (std::filesystem::create_directories(path, failure)) {
    sync_folder(path.has_parent_path() ? path.parent_path().string() : ".");
  }
  if (failure) throw Error(Code::kIo, "cannot create folder " + folder + ": " + failure.message());
}

/// What a process that died while it replaced a file left behind. We hold the folder's lock: nobody else is
/// writing these.
void remove_leftovers(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("saev.json.tmp-", 0) == 0 || name.rfind("metadata.json.tmp-", 0) == 0 ||
        name.rfind("SHA256SUMS.tmp-", 0) == 0) {
      std::filesystem::remove(entry.path(), ignored);
    }
  }
}

void write_metadata(const std::string& folder, const std::string& text) {
  const std::string path = folder + "/metadata.json";
  if (path_size(path) >= 0) {
    const auto file = MappedFile::open(path);
    const auto bytes = file->bytes();
    if (std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == text) return;
    throw Error(Code::kBadFile,
                path +
                    " is not the metadata of this recording; the file was changed or damaged, "
                    "move the folder away");
  }
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

ShardWriter::ShardWriter(std::string folder, const std::string& metadata, const ShardLayout& layout,
                         const std::string& compute_dtype)
    : folder_(std::move(folder)), layout_(layout) {
  layout_.check();
  while (folder_.size() > 1 && folder_.back() == '/') folder_.pop_back();
  create_folder(folder_);
  lock_.emplace(folder_, "another process is recording into " + folder_ + "; wait for it or stop it");
  remove_leftovers(folder_);
  write_metadata(folder_, metadata);
  resume(compute_dtype);
}

/// The Python package leaves no mark. It makes every file at full size and fills it in order, so a recording
/// that ended early lacks files, or its last image is zeros.
bool ShardWriter::finished_by_python() const {
  const int64_t shards = layout_.n_shards(layout_.n_imgs);
  if (shards == 0) return false;
  for (int64_t shard = 0; shard < shards; ++shard) {
    if (path_size(path_of(shard, false)) != layout_.bytes_per_shard()) return false;
  }
  const auto last = MappedFile::open(path_of(shards - 1, false));
  const int64_t within = (layout_.n_imgs - 1) % layout_.n_imgs_per_shard;
  const auto image = last->bytes().subspan(static_cast<size_t>(within * layout_.bytes_per_img()),
                                           static_cast<size_t>(layout_.bytes_per_img()));
  return std::any_of(image.begin(), image.end(), [](std::byte b) { return b != std::byte{0}; });
}

void ShardWriter::resume(const std::string& compute_dtype) {
  last_checkpoint_ = std::chrono::steady_clock::now();
  const auto found = read_shard_status(folder_);
  if (found) {
    status_ = *found;
  } else {
    if (finished_by_python()) {
      status_.complete = true;
      status_.images_done = layout_.n_imgs;
    } else {
      status_.compute_dtype = compute_dtype;
    }
    write_shard_status(folder_, status_);
  }
  if (status_.compute_dtype != compute_dtype) {
    if (status_.images_done > 0) {
      throw Error(Code::kInvalidArgument, "compute_dtype: " + folder_ + " was computed in " +
                                              shown(status_.compute_dtype) + ", not in " + compute_dtype +
                                              "; ask for the same, or record into another folder (dump_to)");
    }
    status_.compute_dtype = compute_dtype;
    write_shard_status(folder_, status_);
  }
  if (status_.images_done > layout_.n_imgs) {
    throw Error(Code::kBadFile, folder_ + "/" + kStatusFile + " tells of " +
                                    std::to_string(status_.images_done) + " images, and the dataset has " +
                                    std::to_string(layout_.n_imgs));
  }
  if (found || status_.complete) sums_ = read_checksums(folder_);
  // Rename full parts that the last run had no time for; go back to the first shard that is not what it
  // should be.
  const int64_t full = status_.complete ? layout_.n_shards(status_.images_done)
                                        : status_.images_done / layout_.n_imgs_per_shard;
  const auto go_back_to = [this](int64_t shard) {
    status_.complete = false;
    status_.images_done = shard * layout_.n_imgs_per_shard;
    std::erase_if(status_.holes, [this](int64_t image) { return image >= status_.images_done; });
    write_shard_status(folder_, status_);
  };
  bool renamed = false;
  for (first_unsealed_ = 0; first_unsealed_ < full; ++first_unsealed_) {
    const std::string final = path_of(first_unsealed_, false), part = path_of(first_unsealed_, true);
    if (path_size(final) == layout_.bytes_per_shard() && path_size(part) < 0) continue;
    if (path_size(part) != layout_.bytes_per_shard()) break;
    if (::rename(part.c_str(), final.c_str()) != 0) throw io_error("cannot rename", part, errno);
    renamed = true;
  }
  if (renamed) sync_folder(folder_);
  if (first_unsealed_ < full) return go_back_to(first_unsealed_);
  const int64_t rest = status_.images_done - full * layout_.n_imgs_per_shard;
  if (!status_.complete && rest > 0 && path_size(path_of(full, true)) < rest * layout_.bytes_per_img()) {
    go_back_to(full);
  }
}

}  // namespace saev

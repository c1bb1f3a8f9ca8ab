#include "io/shard_scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <mutex>

#include "core/error.h"
#include "core/parallel.h"
#include "core/sha256.h"

namespace saev {
namespace {

constexpr int64_t kPiece = int64_t{1} << 20;  // bytes

/// Largest magnitude among floating point values, as bits: the order of magnitudes is that of their bits,
/// infinities and NaN above all numbers.
template <typename Bits>
Bits largest_magnitude(const Bits* values, int64_t n) {
  constexpr Bits kMagnitude = static_cast<Bits>(~Bits{0}) >> 1;
  Bits largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto magnitude = static_cast<Bits>(values[i] & kMagnitude);
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

/// What is known of a file while it is read, image by image. `Bits` are those of a value.
template <typename Bits>
class Scan {
 public:
  /// `infinity`: the bits of infinity.
  Scan(int64_t images, int64_t values_per_img, Bits infinity, ShardScan& out)
      : images_(images), per_image_(values_per_img), infinity_(infinity), out_(out) {}

  void add(const Bits* values, int64_t n) {
    while (n > 0) {
      const int64_t image = at_ / per_image_, within = at_ % per_image_;
      if (image >= images_) {
        if (largest_magnitude(values, n) > 0) {
          out_.padding_non_zero += std::count_if(values, values + n, [](Bits v) { return v != 0; });
        }
        at_ += n;
        return;
      }
      const int64_t now = std::min(n, per_image_ - within);
      const Bits largest = largest_magnitude(values, now);
      image_largest_ = std::max(image_largest_, largest);
      if (largest >= infinity_) {
        if (out_.first_non_finite < 0) out_.first_non_finite = image;
        out_.non_finite += std::count_if(values, values + now,
                                         [this](Bits v) { return largest_magnitude(&v, 1) >= infinity_; });
      }
      values += now;
      n -= now;
      at_ += now;
      if (within + now < per_image_) continue;
      if (image_largest_ == 0) note_zeros(image);
      image_largest_ = 0;
    }
  }

  void add_zeros(int64_t n) {
    while (n > 0 && at_ / per_image_ < images_) {
      const int64_t now = std::min(n, per_image_ - at_ % per_image_);
      at_ += now;
      n -= now;
      if (at_ % per_image_ != 0) continue;
      if (image_largest_ == 0) note_zeros(at_ / per_image_ - 1);
      image_largest_ = 0;
    }
    at_ += n;
  }

 private:
  void note_zeros(int64_t image) {
    if (out_.zero_images.size() < kMostZeroImages) out_.zero_images.push_back(image);
  }

  int64_t images_, per_image_;
  Bits infinity_;
  ShardScan& out_;
  int64_t at_ = 0;
  Bits image_largest_ = 0;
};

/// Whole pieces from `at` on that were never written, as a dead run of the Python package leaves them: they
/// are zeros and need no reading.
int64_t hole_at(int64_t at, int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0 || at >= info.st_size) return 0;
  const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
  if (data < 0 && errno != ENXIO) return 0;  // a file system that cannot tell
  const int64_t end = data < 0 ? info.st_size : data;
  // At most 64 MiB, so that an abort is noticed.
  return std::min((end - at) / kPiece, int64_t{64}) * kPiece;
}

template <typename Bits>
ShardScan scan_one(const ShardToScan& file, int64_t values_per_img, Bits infinity,
                   std::vector<uint32_t>& buffer, const Job& job, const std::function<void(int64_t)>& done) {
  ShardScan out;
  // O_NONBLOCK: opening a FIFO by mistake must not wait for a writer.
  const int fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    out.error = io_error("cannot read", file.path, errno).what();
    return out;
  }
  struct Close {
    int fd;
    ~Close() { ::close(fd); }
  } const close{fd};
  struct stat info{};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    out.error = file.path + " is no regular file";
    return out;
  }
  Sha256 hash;
  Scan<Bits> scan(file.images, values_per_img, infinity, out);
  auto* bytes = reinterpret_cast<char*>(buffer.data());
  const size_t size = buffer.size() * 4;
  for (;;) {
    job.check_abort();
    if (const int64_t hole = hole_at(out.bytes, fd); hole > 0) {
      if (file.hash) hash.update_zeros(static_cast<uint64_t>(hole));
      scan.add_zeros(hole / static_cast<int64_t>(sizeof(Bits)));
      out.bytes += hole;
      done(hole);
      continue;
    }
    size_t have = 0;
    while (have < size) {
      const ssize_t n =
          ::pread(fd, bytes + have, size - have, static_cast<off_t>(out.bytes) + static_cast<off_t>(have));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        out.error = io_error("cannot read", file.path, errno).what();
        return out;
      }
      if (n == 0) break;
      have += static_cast<size_t>(n);
    }
    if (file.hash) hash.update(bytes, have);
    scan.add(reinterpret_cast<const Bits*>(bytes), static_cast<int64_t>(have / sizeof(Bits)));
    out.bytes += static_cast<int64_t>(have);
    done(static_cast<int64_t>(have));
    if (have < size) break;
  }
  if (file.hash) out.sha256 = hash.hex();
  return out;
}

}  // namespace

std::vector<ShardScan> scan_shards(const std::vector<ShardToScan>& files, int64_t bytes_per_img,
                                   StoredDtype dtype, int threads, const Job& job) {
  const int64_t size = bytes_of(dtype);
  if (bytes_per_img < size || bytes_per_img % size != 0) {
    throw Error(Code::kInvalidArgument,
                "bytes_per_img: expected a positive multiple of " + std::to_string(size));
  }
  int64_t total = 0;
  for (const auto& file : files) {
    struct stat info{};
    if (::stat(file.path.c_str(), &info) == 0) total += info.st_size;
  }
  std::vector<ShardScan> scans(files.size());
  set_num_threads(threads);
  std::vector<std::vector<uint32_t>> buffers(static_cast<size_t>(num_threads()));
  std::mutex mutex;
  int64_t done = 0, reported = 0;
  parallel_tasks(static_cast<int64_t>(files.size()), [&](int64_t task, int thread) {
    auto& buffer = buffers[static_cast<size_t>(thread)];
    buffer.resize(static_cast<size_t>(kPiece) / sizeof(uint32_t));
    const auto i = static_cast<size_t>(task);
    const auto done_with = [&](int64_t bytes) {
      const std::lock_guard lock(mutex);
      done += bytes;
      if (done - reported < std::min<int64_t>(total / 200 + 1, int64_t{1} << 28) && done < total) return;
      reported = done;
      job.report({.done = static_cast<double>(done),
                  .total = static_cast<double>(std::max(total, done)),
                  .values = {}});
    };
    if (dtype == StoredDtype::kFloat32) {
      scans[i] = scan_one<uint32_t>(files[i], bytes_per_img / size, 0x7f800000, buffer, job, done_with);
    } else {
      const uint16_t infinity = dtype == StoredDtype::kFloat16 ? 0x7c00 : 0x7f80;
      scans[i] = scan_one<uint16_t>(files[i], bytes_per_img / size, infinity, buffer, job, done_with);
    }
  });
  return scans;
}

}  // namespace saev

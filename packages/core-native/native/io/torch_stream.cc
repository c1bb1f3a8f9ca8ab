#include "io/torch_stream.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/crc32.h"
#include "core/error.h"

namespace saev {
namespace {

static_assert(std::endian::native == std::endian::little, "archives are little-endian");

constexpr size_t kBuffer = size_t{4} << 20;
constexpr uint64_t kAlignment = 64;  // torch's own, so that a mapped tensor is aligned
constexpr uint64_t kMax32 = 0xffffffffU;

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

/// A whole number in pickle protocol 2.
void pickle_int(std::string& out, int64_t v) {
  if (v >= 0 && v < 256) {
    out += 'K';
    put(out, static_cast<uint8_t>(v));
  } else if (v <= INT32_MAX) {
    out += 'J';
    put(out, static_cast<int32_t>(v));
  } else {
    out += "\x8a\x08";
    put(out, v);
  }
}

void pickle_text(std::string& out, const std::string& text) {
  out += 'X';
  put(out, static_cast<uint32_t>(text.size()));
  out += text;
}

/// `_rebuild_tensor_v2(storage "0", 0, shape, strides, False, OrderedDict())`.
std::string pickle_tensor(const char* storage, const std::vector<int64_t>& shape, int64_t n) {
  std::string out =
      "\x80\x02"
      "ctorch._utils\n_rebuild_tensor_v2\n((";
  pickle_text(out, "storage");
  out += std::string("ctorch\n") + storage + "\n";
  pickle_text(out, "0");
  pickle_text(out, "cpu");
  pickle_int(out, n);
  out += "tQ";
  pickle_int(out, 0);
  out += '(';
  for (const int64_t d : shape) pickle_int(out, d);
  out += "t(";
  int64_t stride = n;
  for (const int64_t d : shape) {
    stride = d > 0 ? stride / d : stride;
    pickle_int(out, stride);
  }
  out +=
      "t\x89"
      "ccollections\nOrderedDict\n)RtR.";
  return out;
}

}  // namespace

TorchTensorStream::TorchTensorStream(const std::string& path, Type type, std::vector<int64_t> shape)
    : path_(path), archive_(std::filesystem::path(path).stem().string()) {
  const bool is_float = type == Type::kFloat32;
  int64_t n = 1;
  for (const int64_t d : shape) {
    if (d < 0 || (d > 0 && n > (INT64_MAX >> 4) / d)) {
      throw Error(Code::kShapeMismatch, "no tensor can have this shape: " + path);
    }
    n *= d;
  }
  data_size_ = static_cast<uint64_t>(n) * (is_float ? 4 : 8);
  const auto folder = std::filesystem::absolute(path).parent_path().string();
  struct statvfs space{};
  if (statvfs(folder.c_str(), &space) != 0) throw io_error("cannot write to", folder, errno);
  const uint64_t free = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
  if (free < data_size_ + 65536) {
    throw Error(Code::kIo, path + " would take " + std::to_string(data_size_ >> 20) + " MiB, and " + folder +
                               " has " + std::to_string(free >> 20) +
                               " MiB left; choose another folder, or a smaller top_k");
  }
  temporary_ = path + ".tmp." + std::to_string(getpid());
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) throw io_error("cannot write", temporary_, errno);
  try {
    buffer_.reserve(kBuffer);
    small_record("data.pkl", pickle_tensor(is_float ? "FloatStorage" : "LongStorage", shape, n));
    small_record("byteorder", "little");
    small_record("version", "3\n");
    header("data/0", data_size_, 0, true);
  } catch (...) {
    discard();
    throw;
  }
}

TorchTensorStream::~TorchTensorStream() {
  discard();
}

void TorchTensorStream::discard() noexcept {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
  fd_ = -1;
}

void TorchTensorStream::flush() {
  const char* p = buffer_.data();
  size_t left = buffer_.size();
  while (left > 0) {
    const ssize_t n = ::write(fd_, p, left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw io_error("cannot write", temporary_, errno);
    p += n;
    left -= static_cast<size_t>(n);
  }
  buffer_.clear();
}

void TorchTensorStream::bytes(const void* data, size_t n) {
  const char* p = static_cast<const char*>(data);
  position_ += n;
  while (n > 0) {
    if (buffer_.size() == kBuffer) flush();
    const size_t room = std::min(n, kBuffer - buffer_.size());
    buffer_.insert(buffer_.end(), p, p + room);
    p += room;
    n -= room;
  }
}

void TorchTensorStream::header(const std::string& name, uint64_t size, uint32_t crc, bool align) {
  const std::string full = archive_ + "/" + name;
  const bool big = size >= kMax32;
  std::string extra;
  if (big) {
    put(extra, uint16_t{1});  // zip64: both sizes
    put(extra, uint16_t{16});
    put(extra, size);
    put(extra, size);
  }
  if (align) {
    const uint64_t before = position_ + 30 + full.size() + extra.size() + 4;
    const auto padding = static_cast<uint16_t>((kAlignment - before % kAlignment) % kAlignment);
    extra += "FB";  // the field torch pads with
    put(extra, padding);
    extra.append(padding, 'Z');
  }
  entries_.push_back({full, size, position_, crc});
  std::string h;
  put(h, uint32_t{0x04034b50});
  put(h, static_cast<uint16_t>(big ? 45 : 20));
  put(h, uint16_t{0x0800});  // names are UTF-8
  put(h, uint16_t{0});       // stored
  put(h, uint16_t{0});       // no time, so that equal tensors are equal files
  put(h, uint16_t{0x21});    // 1 January 1980, the earliest date that a zip can hold
  crc_at_ = position_ + h.size();
  put(h, crc);
  put(h, static_cast<uint32_t>(big ? kMax32 : size));
  put(h, static_cast<uint32_t>(big ? kMax32 : size));
  put(h, static_cast<uint16_t>(full.size()));
  put(h, static_cast<uint16_t>(extra.size()));
  h += full;
  h += extra;
  bytes(h.data(), h.size());
}

void TorchTensorStream::small_record(const std::string& name, const std::string& data) {
  header(name, data.size(), crc32(0, data.data(), data.size()), false);
  bytes(data.data(), data.size());
}

void TorchTensorStream::data_bytes(const void* data, size_t n) {
  if (n > data_size_ - data_written_)
    throw Error(Code::kInternal, "more elements than the shape has: " + path_);
  data_crc_ = crc32(data_crc_, data, n);
  data_written_ += n;
  bytes(data, n);
}
void TorchTensorStream::write(std::span<const float> values) {
  data_bytes(values.data(), values.size_bytes());
}
void TorchTensorStream::write(std::span<const int64_t> values) {
  data_bytes(values.data(), values.size_bytes());
}

void TorchTensorStream::commit() {
  if (data_written_ != data_size_) throw Error(Code::kInternal, "elements are missing: " + path_);
  entries_.back().crc = data_crc_;
  const uint64_t directory = position_;
  for (const Entry& e : entries_) {
    const bool big = e.size >= kMax32, far = e.offset >= kMax32;
    std::string extra;
    if (big || far) {
      put(extra, uint16_t{1});
      put(extra, static_cast<uint16_t>((big ? 16 : 0) + (far ? 8 : 0)));
      if (big) {
        put(extra, e.size);
        put(extra, e.size);
      }
      if (far) put(extra, e.offset);
    }
    std::string h;
    put(h, uint32_t{0x02014b50});
    put(h, uint16_t{45});
    put(h, static_cast<uint16_t>(big || far ? 45 : 20));
    put(h, uint16_t{0x0800});
    put(h, uint16_t{0});
    put(h, uint16_t{0});
    put(h, uint16_t{0x21});
    put(h, e.crc);
    put(h, static_cast<uint32_t>(big ? kMax32 : e.size));
    put(h, static_cast<uint32_t>(big ? kMax32 : e.size));
    put(h, static_cast<uint16_t>(e.name.size()));
    put(h, static_cast<uint16_t>(extra.size()));
    put(h, uint16_t{0});  // comment
    put(h, uint16_t{0});  // disk
    put(h, uint16_t{0});
    put(h, uint32_t{0});
    put(h, static_cast<uint32_t>(far ? kMax32 : e.offset));
    h += e.name;
    h += extra;
    bytes(h.data(), h.size());
  }
  const uint64_t directory_size = position_ - directory, end64 = position_;
  const auto count = static_cast<uint16_t>(entries_.size());
  std::string h;
  if (directory >= kMax32) {
    put(h, uint32_t{0x06064b50});
    put(h, uint64_t{44});
    put(h, uint16_t{45});
    put(h, uint16_t{45});
    put(h, uint32_t{0});
    put(h, uint32_t{0});
    put(h, uint64_t{count});
    put(h, uint64_t{count});
    put(h, directory_size);
    put(h, directory);
    put(h, uint32_t{0x07064b50});
    put(h, uint32_t{0});
    put(h, end64);
    put(h, uint32_t{1});
  }
  put(h, uint32_t{0x06054b50});
  put(h, uint16_t{0});
  put(h, uint16_t{0});
  put(h, count);
  put(h, count);
  put(h, static_cast<uint32_t>(directory_size));
  put(h, static_cast<uint32_t>(directory >= kMax32 ? kMax32 : directory));
  put(h, uint16_t{0});
  bytes(h.data(), h.size());
  flush();
  if (::pwrite(fd_, &data_crc_, 4, static_cast<off_t>(crc_at_)) != 4 || ::fsync(fd_) != 0) {
    throw io_error("cannot write", temporary_, errno);
  }
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    throw io_error("cannot write", path_, error);
  }
}

}  // namespace saev

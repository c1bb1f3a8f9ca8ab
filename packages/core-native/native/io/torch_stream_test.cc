#include "io/torch_stream.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/error.h"
#include "io/torch_archive.h"
#include "test/check.h"

namespace {

namespace fs = std::filesystem;

fs::path scratch() {
  const fs::path dir = fs::temp_directory_path() / "saev-torch-stream-test";
  fs::remove_all(dir);
  fs::create_directories(dir);
  return dir;
}

}  // namespace

TEST(torch_stream_writes_what_our_reader_reads) {
  const fs::path dir = scratch();
  const std::string path = (dir / "t.pt").string();
  saev::TorchTensorStream out(path, saev::TorchTensorStream::Type::kInt64, {3, 1, 70000});
  std::vector<int64_t> row(70000);
  for (int64_t r = 0; r < 3; ++r) {
    for (size_t i = 0; i < row.size(); ++i) row[i] = r * 1000000 + static_cast<int64_t>(i);
    CHECK(!fs::exists(path));  // not before it is whole
    out.write(std::span<const int64_t>(row));
  }
  out.commit();
  const auto tensors = saev::read_torch_archive(path);
  CHECK(tensors.size() == 1);
  const at::Tensor t = tensors[0].second;
  CHECK(t.sizes() == at::IntArrayRef({3, 1, 70000}));
  const auto* p = t.const_data_ptr<int64_t>();
  CHECK(p[0] == 0 && p[70001] == 1000001 && p[3 * 70000 - 1] == 2069999);
  fs::remove_all(dir);
}

TEST(torch_stream_leaves_nothing_half_written) {
  const fs::path dir = scratch();
  const std::string path = (dir / "t.pt").string();
  using Stream = saev::TorchTensorStream;
  {
    Stream out(path, Stream::Type::kFloat32, {4});
    const std::vector<float> three = {1, 2, 3}, two = {4, 5};
    out.write(std::span<const float>(three));
    CHECK_THROWS(out.commit(), saev::Code::kInternal);                            // one is missing
    CHECK_THROWS(out.write(std::span<const float>(two)), saev::Code::kInternal);  // one too many
  }
  CHECK(fs::is_empty(dir));
  CHECK_THROWS(Stream((dir / "no" / "t.pt").string(), Stream::Type::kFloat32, {4}), saev::Code::kNotFound);
  CHECK_THROWS(Stream(path, Stream::Type::kFloat32, {-1}), saev::Code::kShapeMismatch);
  // 64 TiB: refused before anything is written.
  CHECK_THROWS(Stream(path, Stream::Type::kFloat32, {int64_t{1} << 44}), saev::Code::kIo);
  CHECK(fs::is_empty(dir));
  fs::remove_all(dir);
}

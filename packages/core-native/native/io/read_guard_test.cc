#include "io/read_guard.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "io/mapped_file.h"
#include "io/shard_reader.h"
#include "test/check.h"

namespace saev {
namespace {

struct Folder {
  std::string path = std::filesystem::temp_directory_path() / ("saev-guard-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

void write(const std::string& path, size_t n, float value) {
  const std::vector<float> values(n, value);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(n * sizeof(float)));
}

}  // namespace

TEST(what_is_cut_from_a_guarded_file_reads_as_zeros_and_is_noted) {
  const Folder folder;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const std::string path = folder.path + "/a.bin", other = folder.path + "/b.bin";
  for (int round = 0; round < 3; ++round) {  // ranges are used again
    write(path, 40 * page / 4, 7);
    write(other, 4 * page / 4, 7);
    const auto file = MappedFile::open(path), whole = MappedFile::open(other);
    const ReadGuard guard(file->bytes()), untouched(whole->bytes());
    const auto* values = reinterpret_cast<const float*>(file->bytes().data());
    CHECK(values[0] == 7 && !guard.failed());
    std::filesystem::resize_file(path, page);
    std::vector<std::thread> readers;
    std::vector<float> seen(8, -1);
    for (size_t t = 0; t < seen.size(); ++t)
      readers.emplace_back([&, t] { seen[t] = values[(t + 2) * 4 * page / 4]; });
    for (std::thread& reader : readers) reader.join();
    for (const float v : seen) CHECK(v == 0);
    CHECK(guard.failed() && !untouched.failed());
    CHECK(values[0] == 7);
  }
}

TEST(a_shard_that_is_cut_while_a_batch_is_read_is_an_error_and_no_crash) {
  const Folder folder;
  RecordedShards shards;
  shards.dir = folder.path;
  shards.layout.n_imgs = 600;
  shards.layout.n_imgs_per_shard = 300;
  shards.layout.n_layers = 1;
  shards.layout.n_tokens = 4;
  shards.layout.d_vit = 8;
  for (const char* name : {"/acts000000.bin", "/acts000001.bin"}) write(folder.path + name, 300 * 4 * 8, 3);
  const ShardReader reader(shards);
  reader.check_unchanged();
  CHECK(*static_cast<const float*>(reader.token(599, 0, 0)) == 3);
  reader.check_read();
  std::filesystem::resize_file(folder.path + "/acts000001.bin", 64);
  CHECK(*static_cast<const float*>(reader.token(599, 0, 0)) == 0);
  try {
    reader.check_read();
    test::fail(__FILE__, __LINE__, "no error");
  } catch (const Error& e) {
    CHECK(e.code() == Code::kBadFile);
    CHECK(std::string(e.what()).find("acts000001.bin shrank from") != std::string::npos);
  }
  // Put back, it is written to all the same: what was read is not to be trusted, for good.
  write(folder.path + "/acts000001.bin", 300 * 4 * 8, 3);
  CHECK_THROWS(reader.check_read(), Code::kBadFile);
  // Of another file in its place nothing was read: only the guard remembers.
  std::filesystem::remove(folder.path + "/acts000001.bin");
  CHECK_THROWS(reader.check_read(), Code::kIo);
}

TEST(a_shard_that_is_written_to_while_it_is_read_is_an_error_and_one_in_its_place_is_none) {
  const Folder folder;
  RecordedShards shards;
  shards.dir = folder.path;
  shards.layout.n_imgs = shards.layout.n_imgs_per_shard = 30;
  shards.layout.n_layers = 1;
  shards.layout.n_tokens = 4;
  shards.layout.d_vit = 8;
  const std::string path = folder.path + "/acts000000.bin", other = folder.path + "/other";
  write(path, 30 * 4 * 8, 3);
  const ShardReader reader(shards);
  write(other, 30 * 4 * 8, 5);
  std::filesystem::rename(other, path);
  reader.check_unchanged();
  CHECK(*static_cast<const float*>(reader.token(29, 0, 0)) == 3);
  const ShardReader again(shards);
  // As long as it was, and one number of it another.
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).put('x');
  std::filesystem::last_write_time(path,
                                   std::filesystem::file_time_type::clock::now() + std::chrono::seconds(1));
  try {
    again.check_unchanged();
    test::fail(__FILE__, __LINE__, "no error");
  } catch (const Error& e) {
    CHECK(e.code() == Code::kBadFile);
    CHECK(std::string(e.what()).find("acts000000.bin was written to while it was read") != std::string::npos);
  }
}

}  // namespace saev

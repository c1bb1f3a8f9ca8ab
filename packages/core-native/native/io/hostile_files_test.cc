// Whatever bytes a file holds, reading it ends in tensors or in one saev::Error. A short pass with a fixed
// seed; under ASan and UBSan it also shows that nothing reads out of bounds.

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "core/error.h"
#include "io/json.h"
#include "io/pickle.h"
#include "io/pickled_config.h"
#include "io/safetensors.h"
#include "io/shard_status.h"
#include "io/tensor_file.h"
#include "io/torch_archive.h"
#include "io/zip_directory.h"
#undef CHECK  // ATen's logging has one too
#include "test/check.h"

namespace {

using saev::NamedTensors;

/// Thousands of small files: in memory where the system has such a folder.
std::string scratch(const std::string& name) {
  const char* asked = std::getenv("TMPDIR");
  const std::string folder = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : asked != nullptr ? asked : "/tmp";
  return folder + "/saev-hostile-" + std::to_string(::getpid()) + name;
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Flips, overwrites with telling values, cuts, repeats: one to four times.
std::string mutate(std::string text, std::mt19937_64& random) {
  static constexpr char kTelling[] = {0,   1,   2,   '(', ')', '}',    ']',    'R',   'h',
                                      'q', 't', '{', '[', '"', '\x7f', '\x80', '\xff'};
  const auto pick = [&random](size_t n) { return static_cast<size_t>(random() % n); };
  for (size_t times = 1 + pick(4); times > 0 && !text.empty(); --times) {
    const size_t at = pick(text.size());
    switch (pick(5)) {
      case 0:
        text[at] = static_cast<char>(text[at] ^ (1 << pick(8)));
        break;
      case 1:
        text[at] = kTelling[pick(sizeof kTelling)];
        break;
      case 2:
        for (size_t i = at; i < std::min(text.size(), at + 8); ++i)
          text[i] = static_cast<char>(pick(2) ? 0xff : random());
        break;
      case 3:
        text.resize(at);
        break;
      default:
        text.insert(at, text.substr(pick(text.size()), 1 + pick(40)));
    }
  }
  return text;
}

/// Runs `read` and expects silence or a saev::Error of one line.
template <typename Read>
void survives(const std::string& what, const Read& read) {
  try {
    read();
  } catch (const saev::Error& e) {
    const bool clear = e.code() == saev::Code::kBadFile || e.code() == saev::Code::kUnsupported;
    if (!clear || std::string(e.what()).find('\n') != std::string::npos) {
      saev::test::fail(__FILE__, __LINE__, what + ": " + saev::code_name(e.code()) + " " + e.what());
    }
  }
}

void read_all(const std::string& path, size_t offset) {
  const auto file = saev::open_tensor_file(path, offset);
  for (const std::string& name : file->names()) {
    const at::Tensor tensor = file->tensor(name);
    // Touches every element, so that a tensor beyond its bytes shows.
    if (tensor.numel() > 0 && tensor.numel() < (1 << 20)) (void)tensor.contiguous().clone().nbytes();
  }
}

const NamedTensors& samples() {
  static const NamedTensors tensors = {{"W_enc", at::arange(12, at::kFloat).view({3, 4})},
                                       {"b", at::ones({3}, at::kBFloat16)},
                                       {"n", at::arange(5, at::kLong)}};
  return tensors;
}

/// What torch wrote before 1.6: magic number, version, system, a dict of one tensor, keys, the storage.
std::string torch_stream() {
  const auto text = [](const std::string& value) {
    return "X" + std::string{static_cast<char>(value.size()), 0, 0, 0} + value;
  };
  const std::string proto = "\x80\x02", k2 = "K\x02", k1 = "K\x01", k0 = std::string("K") + '\0',
                    one = "\x85";
  const std::string magic =
      "\x8a\x0a"
      "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  const std::string storage =
      "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + k2 + "NtQ";
  const std::string tensor = "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + k0 + k2 + one + k1 + one +
                             "\x89" + "ccollections\nOrderedDict\n)RtR";
  const std::string numel{2, 0, 0, 0, 0, 0, 0, 0};
  return proto + magic + "." + proto + "M\xe9\x03." + proto + "}(" + text("little_endian") + "\x88u." +
         proto + "}(" + text("w") + tensor + "u." + proto + "](" + text("0") + "e." + numel +
         std::string(8, '\1');
}

int rounds() {
  const char* asked = std::getenv("SAEV_HOSTILE_ROUNDS");
  return asked == nullptr ? 3000 : std::atoi(asked);
}

void attack(const std::string& seed, size_t offset) {
  const std::string path = scratch(".bin");
  std::mt19937_64 random(42);
  for (int round = 0; round < rounds(); ++round) {
    {
      std::ofstream out(path, std::ios::binary | std::ios::trunc);
      out << mutate(seed, random);
    }
    survives("round " + std::to_string(round), [&] { read_all(path, offset); });
  }
  ::unlink(path.c_str());
}

}  // namespace

TEST(hostile_torch_archives) {
  const std::string path = scratch(".pt");
  saev::write_torch_archive(path, samples(), saev::ArchiveRoot::kOrderedDict);
  attack(slurp(path), 0);
  const std::string header = std::string(63, ' ') + "\n";
  saev::write_torch_archive(path, samples(), saev::ArchiveRoot::kDict, header);
  attack(slurp(path), header.size());
  ::unlink(path.c_str());
}

TEST(hostile_safetensors) {
  const std::string path = scratch(".safetensors");
  saev::write_safetensors(path, samples(), {{"format", "pt"}});
  attack(slurp(path), 0);
  ::unlink(path.c_str());
}

TEST(hostile_pickled_configs) {
  // What Python 3.11 writes of ImgFolder(root=Path("/data/b*")), with the path's parts.
  using namespace std::string_literals;
  const std::string config =
      "\x80\x04\x95\x5e\0\0\0\0\0\0\0\x8c\x12saev.data.datasets\x94\x8c\x09ImgFolder\x94\x93\x94)\x81\x94}"
      "\x94\x8c\x04root\x94\x8c\x07pathlib\x94\x8c\x09PosixPath\x94\x93\x94\x8c\x01/\x94\x8c\x04"
      "data\x94\x8c\x02"
      "b*\x94\x87\x94R\x94sb."s;
  const std::string where = "memory";
  const auto read = saev::read_pickled_config(bytes_of(config), where);
  CHECK(read.name == "ImgFolder");
  CHECK(read.fields == (std::map<std::string, std::string>{{"root", "/data/b*"}}));
  std::mt19937_64 random(11);
  for (int round = 0; round < rounds() * 5; ++round) {
    const std::string pickle = mutate(config, random);
    survives("config", [&] { saev::read_pickled_config(bytes_of(pickle), where); });
  }
  // One long text, named by a path again and again, and by many fields: no more than a config can hold is
  // made of it.
  const std::string text = "\x8c\xff"s + std::string(255, 'x') + "\x94";
  std::string parts, fields;
  for (int i = 0; i < 1000; ++i) parts += "h\0"s;
  for (int i = 0; i < 100; ++i) fields += "\x8c\x02"s + char('0' + i / 10) + char('0' + i % 10) + "h\0"s;
  const std::string object = "0csaev.data.datasets\nImgFolder\n)\x81}("s;
  for (const std::string& many : {text + object + "\x8c\x04rootcpathlib\nPosixPath\n("s + parts + "tRub."s,
                                  text + object + fields + "ub."s})
    CHECK_THROWS(saev::read_pickled_config(bytes_of(many), where), saev::Code::kBadFile);
  // The torch reader still takes no such object, and this one no tensor.
  CHECK_THROWS(saev::PickleReader(bytes_of(config), where).read(), saev::Code::kUnsupported);
  CHECK_THROWS(saev::read_pickled_config(bytes_of("ccollections\nOrderedDict\n)R."), where),
               saev::Code::kUnsupported);
}

TEST(hostile_pickles_and_headers) {
  const std::string stream = torch_stream();
  const std::string path = scratch(".stream");
  std::ofstream(path, std::ios::binary) << stream;
  CHECK(saev::read_torch_archive(path).size() == 1);  // the seed itself is sound
  ::unlink(path.c_str());
  attack(stream, 0);
  const std::string where = "memory";
  const std::string json =
      R"({"format":1,"status":"recording","images_done":12,"holes":[1,5,7],"é":"\u00e9\ud83d\udcf7",)"
      R"("x":[1.5e3,-2,true,null,{"y":{}}]})";
  std::mt19937_64 random(7);
  for (int round = 0; round < rounds() * 5; ++round) {
    const std::string text = mutate(json, random);
    survives("json", [&] { saev::parse_json(text, where); });
    const std::string pickle = mutate(stream, random);
    survives("pickle", [&] {
      saev::PickleReader reader(bytes_of(pickle), where);
      for (int i = 0; i < 5; ++i) reader.read();
    });
  }
}

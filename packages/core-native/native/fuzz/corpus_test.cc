// Every target over the corpus that the fuzzer found for it, without clang: what was mended stays mended.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.h"
#include "fuzz/targets.h"
#include "test/check.h"

namespace {

namespace fs = std::filesystem;

std::vector<char> slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void run_all(const std::vector<saev::fuzz::Target>& targets) {
  for (const auto& target : targets) {
    size_t inputs = 0;
    for (const auto& file : fs::directory_iterator(fs::path(SAEV_FUZZ_CORPORA) / target.name)) {
      const std::vector<char> bytes = slurp(file.path());
      try {
        target.run(std::as_bytes(std::span(bytes.data(), bytes.size())));
      } catch (const std::exception& e) {
        saev::test::fail(target.name, 0, file.path().filename().string() + ": " + e.what());
      }
      ++inputs;
    }
    if (inputs < 10) saev::test::fail(target.name, 0, "a corpus of " + std::to_string(inputs) + " files");
  }
}

}  // namespace

TEST(fuzz_corpora_of_parsers) {
  run_all(saev::fuzz::parser_targets());
}
TEST(fuzz_corpora_of_tensor_files) {
  run_all(saev::fuzz::tensor_targets());
}

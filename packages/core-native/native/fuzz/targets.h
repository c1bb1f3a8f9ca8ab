#pragma once
// What the parsers of files are attacked through. A target takes any bytes and must end in silence or in one
// saev::Error of one line that says what is wrong with the file; it throws std::logic_error when it does not.
// libFuzzer runs them (fuzz/main.cc, `npm run fuzz`), and corpus_test.cc over the corpora of
// test/fixtures/fuzz.

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace saev::fuzz {

using Bytes = std::span<const std::byte>;

struct Target {
  const char* name;  ///< also the folder of its corpus and the name of its dictionary
  void (*run)(Bytes);
};

/// Parsers that need nothing of libtorch.
const std::vector<Target>& parser_targets();
/// Files read to the last element of their tensors, through libtorch.
const std::vector<Target>& tensor_targets();

/// Runs `read`; lets pass what a damaged file may give: Code::kBadFile or kUnsupported, in one line.
void expect_clear(const std::function<void()>& read);

/// Where the tensors of an `sae.pt` begin: behind its first line; 0 when there is none.
size_t behind_first_line(Bytes bytes);

std::string_view text_of(Bytes bytes);

}  // namespace saev::fuzz

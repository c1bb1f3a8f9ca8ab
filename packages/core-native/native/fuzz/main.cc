// The entry points of libFuzzer. SAEV_FUZZ_TARGET in the environment names the target.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "fuzz/targets.h"

namespace {
const saev::fuzz::Target* chosen = nullptr;
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* asked = std::getenv("SAEV_FUZZ_TARGET");
#ifdef SAEV_FUZZ_TENSORS
  const auto& targets = saev::fuzz::tensor_targets();
#else
  const auto& targets = saev::fuzz::parser_targets();
#endif
  for (const auto& target : targets) {
    if (asked != nullptr && std::string_view(asked) == target.name) chosen = &target;
  }
  if (chosen == nullptr) {
    std::fprintf(stderr, "SAEV_FUZZ_TARGET names none of these targets:\n");
    for (const auto& target : targets) std::fprintf(stderr, "  %s\n", target.name);
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chosen->run(std::as_bytes(std::span(data, size)));
  return 0;
}

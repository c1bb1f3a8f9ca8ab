// Runs every registered case, or those whose name contains the first argument.

#include <cstring>

#include "core/error.h"
#include "test/check.h"

int main(int argc, char** argv) {
  int run = 0, failed = 0;
  for (const auto& c : saev::test::cases()) {
    if (argc > 1 && std::strstr(c.name, argv[1]) == nullptr) continue;
    const int before = saev::test::failures();
    try {
      c.run();
    } catch (const std::exception& e) {
      saev::test::fail(c.name, 0, std::string("threw ") + e.what());
    }
    ++run;
    const bool ok = saev::test::failures() == before;
    failed += ok ? 0 : 1;
    std::printf("%s %s\n", ok ? "ok    " : "FAILED", c.name);
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", run - failed, failed);
  return failed == 0 && run > 0 ? 0 : 1;
}

// The little that our C++ tests need: register a case, check, report all failures, exit 1.

#ifndef SAEV_TEST_CHECK_H
#define SAEV_TEST_CHECK_H

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace saev::test {

struct Case {
  const char* name;
  void (*run)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Register {
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

inline void fail(const char* file, int line, const std::string& message) {
  std::printf("  FAILED %s:%d %s\n", file, line, message.c_str());
  ++failures();
}

}  // namespace saev::test

/// TEST(name) { … }
#define TEST(name)                                                       \
  static void test_##name();                                             \
  static const saev::test::Register register_##name(#name, test_##name); \
  static void test_##name()

/// |a − b| ≤ tolerance · max(1, |b|); prints both values.
#define CHECK_CLOSE(a, b, tolerance)                                                                     \
  do {                                                                                                   \
    const double a_ = (a), b_ = (b), scale_ = b_ < 0 ? -b_ : b_;                                         \
    if (!(__builtin_fabs(a_ - b_) <= (tolerance) * (scale_ > 1 ? scale_ : 1))) {                         \
      saev::test::fail(__FILE__, __LINE__,                                                               \
                       std::string(#a " = ") + std::to_string(a_) + ", expected " + std::to_string(b_)); \
    }                                                                                                    \
  } while (0)

/// The statement throws a saev::Error with this code.
#define CHECK_THROWS(statement, expected)                                                     \
  do {                                                                                        \
    bool thrown_ = false;                                                                     \
    try {                                                                                     \
      statement;                                                                              \
    } catch (const saev::Error& e) {                                                          \
      thrown_ = true;                                                                         \
      if (e.code() != (expected)) {                                                           \
        saev::test::fail(__FILE__, __LINE__,                                                  \
                         std::string("code ") + saev::code_name(e.code()) + ": " + e.what()); \
      }                                                                                       \
    }                                                                                         \
    if (!thrown_) saev::test::fail(__FILE__, __LINE__, "nothing thrown by " #statement);      \
  } while (0)

#endif  // SAEV_TEST_CHECK_H

// ATen brings a CHECK of its own, which ends the process: ours is taken back by each file that includes this
// one.
#undef CHECK
#define CHECK(condition)                                                \
  do {                                                                  \
    if (!(condition)) saev::test::fail(__FILE__, __LINE__, #condition); \
  } while (0)

#include "io/json.h"

#include <string>

#include "core/error.h"
#include "test/check.h"

TEST(json_utf8_is_what_unicode_says) {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "W_enc.\xc3\xa9"}) {
    CHECK(saev::is_utf8(good));
  }
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xe0\x80\xaf", "\xe2\x82", "\xed\xa0\x80",
        "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc3("}) {
    CHECK(!saev::is_utf8(bad));
  }
  CHECK_THROWS(saev::parse_json("{\"\xff\":1}", "memory"), saev::Code::kBadFile);
}

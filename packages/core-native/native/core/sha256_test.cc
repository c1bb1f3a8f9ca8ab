#include "core/sha256.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "test/check.h"

using saev::Sha256;

namespace {

std::string hash_of(const std::string& text) {
  Sha256 hash;
  hash.update(text.data(), text.size());
  return hash.hex();
}

}  // namespace

// The examples of FIPS 180-4 and of NIST's test vectors.
TEST(sha256_published_vectors) {
  CHECK(hash_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hash_of(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256_pieces_of_any_size_and_the_plain_form_agree) {
  std::vector<uint8_t> data(4096);
  uint32_t x = 1;
  for (auto& byte : data) byte = static_cast<uint8_t>((x = x * 1664525 + 1013904223) >> 24);
  Sha256 once;
  once.update(data.data(), data.size());
  const std::string whole = once.hex();
  for (size_t piece = 1; piece < 200; piece += 7) {
    Sha256 hash;
    for (size_t at = 0; at < data.size(); at += piece)
      hash.update(&data[at], std::min(piece, data.size() - at));
    CHECK(hash.hex() == whole);
  }
  // By the plain form, padding written out: 4096 bytes, one block of 0x80 and the length in bits.
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  data.resize(4160);
  data[4096] = 0x80;
  data[4158] = 0x80;  // 32768
  saev::sha256_blocks_plain(state, data.data(), 65);
  char first[9];
  std::snprintf(first, sizeof first, "%08x", state[0]);
  CHECK(whole.substr(0, 8) == std::string(first));
  Sha256 zeros, same;
  zeros.update_zeros(200001);
  const std::vector<uint8_t> none(200001);
  same.update(none.data(), none.size());
  CHECK(zeros.hex() == same.hex());
}

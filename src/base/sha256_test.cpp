#include "base/sha256.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace ondol {
namespace {

// FIPS 180-4 examples and the million 'a' of NIST's byte-oriented test vectors.
TEST(Sha256, NistVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesEqualTheWhole) {
  const std::string text(301, 'x');
  for (size_t cut = 0; cut <= text.size(); cut += 7) {
    Sha256 hash;
    hash.update(std::string_view(text).substr(0, cut));
    hash.update(std::string_view(text).substr(cut));
    EXPECT_EQ(hash.hex_digest(), sha256_hex(text)) << cut;
  }
}

TEST(Sha256, InstructionsAndPlainCodeAgree) {
  std::vector<uint8_t> data(64 * 9);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i * 37 + i / 5);
  for (size_t blocks = 0; blocks <= 9; ++blocks) {
    std::array<uint32_t, 8> a = {1, 2, 3, 0x80000000, 0xffffffff, 6, 7, 8}, b = a;
    internal::sha256_blocks(a.data(), data.data(), blocks);
    internal::sha256_blocks_portable(b.data(), data.data(), blocks);
    EXPECT_EQ(a, b) << blocks;
  }
}

}  // namespace
}  // namespace ondol

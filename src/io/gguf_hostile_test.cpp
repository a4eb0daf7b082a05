// Broken GGUF files. Each must be refused with an Error that names what is wrong, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "io/gguf.h"
#include "io/gguf_writer.h"
#include "support/paths.h"

namespace ondol::io {
namespace {

using ::testing::HasSubstr;

template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
std::string text(std::string_view value) {
  return raw<uint64_t>(value.size()) + std::string(value);
}

std::string head(uint64_t tensors, uint64_t pairs, uint32_t version = 3) {
  return "GGUF" + raw(version) + raw(tensors) + raw(pairs);
}
std::string pair(std::string_view key, GgufType type, const std::string& value) {
  return text(key) + raw(static_cast<uint32_t>(type)) + value;
}
std::string record(std::string_view name, const std::vector<uint64_t>& dimensions, uint32_t type,
                   uint64_t offset) {
  std::string result = text(name) + raw(static_cast<uint32_t>(dimensions.size()));
  for (const uint64_t dimension : dimensions) result += raw(dimension);
  return result + raw(type) + raw(offset);
}
// A file whose only content is these records; `data` bytes follow the padded head.
std::string file_of(const std::vector<std::string>& records, size_t data = 256) {
  std::string file = head(records.size(), 0);
  for (const std::string& item : records) file += item;
  file.resize((file.size() + 31) / 32 * 32 + data);
  return file;
}
std::string nested(int depth) {
  std::string value = GgufWriter::array_head(GgufType::kU8, 0);
  for (int i = 1; i < depth; ++i) value = GgufWriter::array_head(GgufType::kArray, 1) + value;
  return head(0, 1) + pair("deep", GgufType::kArray, value);
}
std::string u32_pair(std::string_view key, uint32_t value) {
  return head(0, 1) + pair(key, GgufType::kU32, raw(value));
}

void parse(const std::string& file) {
  // A copy of the exact size, so that the address sanitizer sees the first byte read past the end.
  const std::vector<std::byte> bytes(std::as_bytes(std::span(file)).begin(),
                                     std::as_bytes(std::span(file)).end());
  GgufFile::parse(bytes, "bad.gguf");
}

struct Case {
  std::string file;
  ErrorCode code;
  std::string message;
};

void expect_refused(const Case& row) {
  try {
    parse(row.file);
    ADD_FAILURE() << "accepted; expected: " << row.message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), row.code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("[gguf] 'bad.gguf'"));
    EXPECT_THAT(error.what(), HasSubstr(row.message));
  }
}

constexpr auto kCorrupt = ErrorCode::kCorruptData;
constexpr auto kUnsupported = ErrorCode::kUnsupported;
constexpr auto kExhausted = ErrorCode::kResourceExhausted;
constexpr uint64_t kMax = UINT64_MAX;

TEST(GgufHostile, Heads) {
  const std::vector<Case> cases = {
      {"", kCorrupt, "the file ends inside the magic number at byte 0; got 0 bytes, expected 4"},
      {"PK\3\4 a zip", kCorrupt, "magic number; got 0x04034b50, expected 0x46554747"},
      {head(0, 0, 1), kUnsupported, "version; got 1, expected 2 or 3"},
      {head(0, 0, 4), kUnsupported, "version; got 4"},
      {head(0, 0, 0), kUnsupported, "version; got 0"},
      {head(0, 0, 0x03000000), kUnsupported, "big-endian"},
      {head(kMax, 0), kCorrupt,
       "tensor count is more than the file can hold; got 18446744073709551615"},
      {head(0, kMax), kCorrupt, "key count is more than the file can hold"},
      {head(1u << 20, 0) + std::string(24 << 20, '\0'), kExhausted, "tensor count; got 1048576"},
      {head(0, 1u << 20) + std::string(24 << 20, '\0'), kExhausted, "key count; got 1048576"},
  };
  for (const Case& row : cases) expect_refused(row);
}

TEST(GgufHostile, Pairs) {
  using T = GgufType;
  const std::string one = raw<uint8_t>(1);
  const auto array = [](T element, uint64_t count, const std::string& rest) {
    return head(0, 1) + pair("k", T::kArray, GgufWriter::array_head(element, count) + rest);
  };
  const std::vector<Case> cases = {
      {head(0, 1) + pair("", T::kU8, one) + one, kCorrupt, "name of key 0 is empty"},
      {head(0, 1) + pair("\xC0\xAF", T::kU8, one), kCorrupt,
       "name of key 0; got '?\?', expected UTF-8"},
      {head(0, 1) + pair("\xED\xA0\x80", T::kU8, one), kCorrupt, "expected UTF-8"},
      {head(0, 1) + pair("\xF4\x90\x80\x80", T::kU8, one), kCorrupt, "expected UTF-8"},
      {head(0, 1) + pair("\xEB\x8F", T::kU8, one), kCorrupt, "expected UTF-8"},
      {head(0, 1) + pair("a\nb", T::kU8, one), kCorrupt,
       "got 'a?b', expected UTF-8 without control"},
      {head(0, 1) + pair(std::string(70000, 'k'), T::kU8, one), kExhausted,
       "name of key 0 at byte 32 is too long; got 70000 bytes, expected at most 65535"},
      {head(0, 1) + raw(kMax) + std::string(8, 'k'), kCorrupt, "longer than the rest of the file"},
      {head(0, 1) + pair("k", static_cast<T>(13), one), kCorrupt,
       "type of the value of key 'k'; got 13, expected 0 to 12"},
      {head(0, 1) + pair("k", T::kBool, raw<uint8_t>(2)), kCorrupt, "got bool 2, expected 0 or 1"},
      {head(0, 1) + pair("k", T::kF64, one), kCorrupt, "the file ends inside value of key 'k'"},
      {head(0, 1) + pair("k", T::kString, raw<uint64_t>(9) + "short"), kCorrupt, "got 9 bytes"},
      {head(0, 2) + pair("k", T::kU8, one) + pair("k", T::kU8, one), kCorrupt,
       "key 'k' stands twice"},
      {array(static_cast<T>(99), 1, one), kCorrupt, "element type of the value of key 'k'; got 99"},
      {array(T::kU8, kMax, one), kCorrupt, "array length of the value of key 'k' is more than"},
      {array(T::kF64, (kMax >> 3) + 1, std::string(64, '\0')), kCorrupt, "expected at most 8"},
      {array(T::kU8, 1u << 25, std::string(1u << 25, '\0')), kExhausted,
       "expected at most 16777216"},
      {array(T::kString, 1, raw<uint64_t>(4) + "abc"), kCorrupt, "longer than the rest"},
      {array(T::kBool, 2, raw<uint16_t>(0x0301)), kCorrupt, "got bool 3"},
      {array(T::kArray, 1, GgufWriter::array_head(T::kU64, 5) + "1234"), kCorrupt, "array length"},
      {nested(5), kExhausted, "nests arrays deeper than 4"},
      {nested(4000), kExhausted, "nests arrays deeper than 4"},
  };
  for (const Case& row : cases) expect_refused(row);
  EXPECT_NO_THROW(parse(nested(4)));
}

TEST(GgufHostile, Settings) {
  const std::string real = head(0, 1) + pair("general.alignment", GgufType::kF32, raw(32.0f));
  const std::vector<Case> cases = {
      {u32_pair("general.alignment", 0), kCorrupt,
       "got 0, expected a power of two from 8 to 1048576"},
      {u32_pair("general.alignment", 4), kCorrupt, "got 4, expected a power of two"},
      {u32_pair("general.alignment", 48), kCorrupt, "got 48, expected a power of two"},
      {u32_pair("general.alignment", 1u << 21), kCorrupt, "got 2097152"},
      {real, kCorrupt, "got f32 32, expected an integer"},
      {u32_pair("split.count", 3), kUnsupported, "key 'split.count'; got 3, expected 1"},
  };
  for (const Case& row : cases) expect_refused(row);
  EXPECT_NO_THROW(parse(u32_pair("split.count", 1)));
}

TEST(GgufHostile, TensorRecords) {
  const std::vector<Case> cases = {
      {file_of({record("", {1}, 0, 0)}), kCorrupt, "name of tensor 0 is empty"},
      {file_of({record("\xFF", {1}, 0, 0)}), kCorrupt, "name of tensor 0; got '?'"},
      {file_of({record(std::string(256, 'n'), {1}, 0, 0)}), kExhausted, "expected at most 255"},
      {file_of({record("t", {1, 1, 1, 1, 1}, 0, 0)}), kCorrupt,
       "dimension count of tensor 't'; got 5, expected at most 4"},
      {file_of({record("t", {2, 0}, 0, 0)}), kCorrupt, "dimension 1 of tensor 't'; got 0"},
      {file_of({record("t", {kMax}, 0, 0)}), kCorrupt, "dimension 0 of tensor 't'; got 1844"},
      {file_of({record("t", {1u << 31, 1u << 31, 4}, 0, 0)}), kCorrupt, "shape of tensor 't'; got"},
      {file_of({record("t", {uint64_t{1} << 62}, 0, 0)}), kCorrupt, "expected at most 2^63 - 1"},
      {file_of({record("t", {33}, 3, 0)}), kCorrupt,
       "row length of tensor 't'; got 33, expected a multiple of 32 for type q4_1"},
      {file_of({record("t", {128, 2}, 12, 0)}), kCorrupt,
       "expected a multiple of 256 for type q4_k"},
      {file_of({record("t", {}, 2, 0)}), kCorrupt, "row length of tensor 't'; got 1"},
      {file_of({record("t", {1}, 63, 0)}), kUnsupported, "type of tensor 't'; got id 63"},
      {file_of({record("t", {32}, 20, 0)}), kUnsupported, "type of tensor 't'; got id 20"},
      {file_of({record("t", {1}, 1000, 0)}), kCorrupt, "type of tensor 't'; got id 1000"},
      {file_of({record("t", {1}, 0, 0), record("t", {1}, 0, 32)}), kCorrupt, "'t' stands twice"},
  };
  for (const Case& row : cases) expect_refused(row);
  for (const uint32_t removed : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u}) {
    expect_refused({file_of({record("t", {32}, removed, 0)}), kCorrupt, "removed from the format"});
  }
}

TEST(GgufHostile, TensorPlaces) {
  const std::vector<Case> cases = {
      {file_of({record("t", {8}, 0, 4)}), kCorrupt,
       "offset of tensor 't'; got 4, expected a multiple"},
      {file_of({record("t", {8}, 0, 256)}), kCorrupt,
       "tensor 't' does not fit; got 32 bytes at offset 256, expected to end at most at 256"},
      {file_of({record("t", {65}, 0, 0)}), kCorrupt, "got 260 bytes at offset 0"},
      {file_of({record("t", {8}, 0, kMax - 31)}), kCorrupt, "does not fit"},
      {file_of({record("t", {8}, 0, 0)}, 0), kCorrupt, "expected to end at most at 0"},
      {file_of({record("t", {16}, 0, 0), record("u", {8}, 0, 32)}), kCorrupt,
       "tensors 't' and 'u' overlap"},
      {file_of({record("t", {8}, 0, 64), record("u", {8}, 0, 64)}), kCorrupt, "overlap"},
      {file_of({record("small", {1}, 0, 96), record("big", {33}, 0, 0)}), kCorrupt,
       "tensors 'big' and 'small' overlap"},
  };
  for (const Case& row : cases) expect_refused(row);
  EXPECT_NO_THROW(parse(file_of({record("u", {8}, 0, 32), record("t", {8}, 0, 0)})));
}

TEST(GgufHostile, EveryPrefixIsRefused) {
  const std::string whole = read_file(testing::golden_dir() / "io.gguf");
  const GgufFile file =
      GgufFile::parse(std::as_bytes(std::span(whole.data(), whole.size())), "io.gguf");
  size_t needed = 0;  // padding after the last tensor may be cut
  for (const TensorInfo& tensor : file.tensors()) {
    needed = std::max(needed, tensor.offset + tensor.bytes.size());
  }
  for (size_t size = 0; size < needed; ++size) {
    EXPECT_THROW(parse(whole.substr(0, size)), Error) << size;
  }
  EXPECT_NO_THROW(parse(whole.substr(0, needed)));
}

// Flips bytes of a valid head: whatever comes out is accepted or an Error, and what is accepted has
// its tensors inside the file.
TEST(GgufHostile, FlippedBytesNeverEscape) {
  const std::string whole = read_file(testing::golden_dir() / "io.gguf");
  int refused = 0;
  for (uint32_t position = 0; position < 2600 && position < whole.size(); ++position) {
    for (const int value : {0x00, 0x01, 0x7F, 0xFF}) {
      std::string file = whole;
      file[position] = static_cast<char>(value);
      try {
        const auto bytes = std::as_bytes(std::span(file.data(), file.size()));
        const GgufFile opened = GgufFile::parse(bytes, "flipped");
        for (const TensorInfo& tensor : opened.tensors()) {
          ASSERT_LE(tensor.offset + tensor.bytes.size(), file.size());
        }
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace ondol::io

#include "io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "io/byte_cursor.h"
#include "io/safetensors_writer.h"
#include "support/paths.h"

namespace ondol::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file_of(const std::string& header, size_t data = 0) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(data, '\0');
}

// A copy of the exact size, so that the address sanitizer sees the first byte read past the end.
void parse(const std::string& file) {
  const auto all = std::as_bytes(std::span(file.data(), file.size()));
  const std::vector<std::byte> bytes(all.begin(), all.end());
  SafetensorsFile::parse(bytes, "bad.safetensors");
}

struct Case {
  std::string file;
  std::string message;
  ErrorCode code = ErrorCode::kCorruptData;
};

void expect_refused(const Case& row) {
  try {
    parse(row.file);
    ADD_FAILURE() << "accepted; expected: " << row.message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), row.code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("[safetensors] 'bad.safetensors'"));
    EXPECT_THAT(error.what(), HasSubstr(row.message));
  }
}

// tests/golden/io.safetensors is written by the safetensors package: tools/golden/io.py.
TEST(Safetensors, ReadsTheGolden) {
  const SafetensorsFile file = SafetensorsFile::open(testing::golden_dir() / "io.safetensors");
  const auto golden = nlohmann::json::parse(std::ifstream(testing::golden_dir() / "io.json"));
  const nlohmann::json& expected = golden["safetensors"];
  ASSERT_EQ(file.tensors().size(), expected.size());
  for (const auto& [name, row] : expected.items()) {
    const TensorInfo& tensor = file.require_tensor(name);
    EXPECT_EQ(dtype_info(tensor.dtype).name, row["dtype"].get<std::string>()) << name;
    EXPECT_EQ(tensor.shape, row["shape"].get<Shape>()) << name;
    EXPECT_EQ(sha256_hex(as_text(tensor.bytes)), row["sha256"].get<std::string>()) << name;
    file.drop(tensor);
  }
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.metadata().at("문"), "값");
  std::vector<std::string> types;
  for (const UnreadableTensor& tensor : file.unreadable()) types.push_back(tensor.type);
  std::sort(types.begin(), types.end());
  EXPECT_EQ(types, golden["unreadable"].get<std::vector<std::string>>());
  EXPECT_THAT(file.read_f32("scalar"), ElementsAre(2.5f));
  try {
    file.require_tensor("bool");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("tensor 'bool' has type BOOL"));
  }
}

TEST(Safetensors, RoundTrip) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const std::vector<int8_t> small = {-1, 0, 1};
  SafetensorsWriter writer;
  writer.set_metadata("made by", "a \"test\"");
  writer.add_tensor("small", DType::kI8, {3}, std::as_bytes(std::span(small)));
  writer.add_tensor("wide", DType::kF32, {2, 3}, std::as_bytes(std::span(values)));
  writer.add_tensor("nothing", DType::kF32, {0, 3}, {});
  const auto path = std::filesystem::path(::testing::TempDir()) / "ondol_io.safetensors";
  writer.write(path);
  EXPECT_EQ(read_file(path), writer.build());
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::filesystem::remove(path);
  EXPECT_EQ(file.metadata().at("made by"), "a \"test\"");
  EXPECT_EQ(file.read_f32("wide"), values);
  EXPECT_EQ(file.require_tensor("wide", {2, 3}).offset % 8, 0u);
  EXPECT_EQ(as_text(file.require_tensor("small").bytes), std::string("\xFF\0\1", 3));
  EXPECT_TRUE(file.read_f32("nothing").empty());
  EXPECT_THROW(writer.add_tensor("small", DType::kI8, {0}, {}), Error);
  EXPECT_THROW(writer.add_tensor("block", DType::kQ8_0, {0}, {}), Error);
  EXPECT_THROW(writer.add_tensor("short", DType::kF32, {1}, {}), Error);
}

TEST(SafetensorsHostile, Headers) {
  const std::string deep = R"({"t":{"dtype":"F32","shape":)" + std::string(100000, '[');
  const std::string t = R"("t":{"dtype":"I8","shape":[1],"data_offsets":[0,1]})";
  const std::vector<Case> cases = {
      {"", "the file ends inside the header at byte 0; got 0 bytes, expected 8"},
      {std::string(8, '\xFF') + "{}", "longer than the rest of the file"},
      {file_of(std::string(100'000'001, ' ')), "is too long", ErrorCode::kResourceExhausted},
      {file_of(""), "expected '{' first"},
      {file_of(" {}"), "got ' ', expected '{' first"},
      {file_of("[]"), "got '[', expected '{' first"},
      {file_of("{"), "the header is no JSON"},
      {file_of("{} {}"), "the header is no JSON"},
      {file_of("{\"\xFF\":{}}"), "the header is no JSON"},
      {file_of("{" + t + "," + t + "}", 1), "header key 't' stands twice"},
      {file_of(R"({"t":{"dtype":"I8","dtype":"I8"}})"), "header key 'dtype' stands twice"},
      {file_of(R"({"t":3})"), "header entry 't'; expected an object"},
      {file_of(R"({"t":[3]})"), "header entry 't'; expected an object"},
      {file_of(R"({"t":{"a":{}}})"), "header entry 't' nests too deeply"},
      {file_of(deep), "nests too deeply"},
      {file_of(R"({"__metadata__":{"a":1}})"), "value of 'a' in __metadata__; expected a string"},
      {file_of("{}", 1), "size of the data; got 1 bytes, expected 0"},
  };
  for (const Case& row : cases) expect_refused(row);
  EXPECT_NO_THROW(parse(file_of("{" + t + "}   ", 1)));
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets,
                size_t data) {
  return file_of(
      R"({"t":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
      data);
}

TEST(SafetensorsHostile, Records) {
  const std::string f32 = R"("F32")";
  const std::vector<Case> cases = {
      {file_of(R"({"t":{}})"), "tensor 't'; expected exactly the fields"},
      {file_of(R"({"t":{"dtype":"I8","shape":[],"offsets":[0,1]}})", 1),
       "expected exactly the fields"},
      {one("3", "[1]", "[0,4]", 4), "dtype of tensor 't'; expected a string"},
      {one(R"("Q4")", "[1]", "[0,4]", 4), "dtype of tensor 't'; got 'Q4'", ErrorCode::kUnsupported},
      {one(f32, "1", "[0,4]", 4), "shape of tensor 't'; expected an array"},
      {one(f32, "[1,1,1,1,1,1,1,1,1]", "[0,4]", 4), "expected an array of at most 8"},
      {one(f32, "[-1]", "[0,4]", 4), "shape of tensor 't'; got -1"},
      {one(f32, "[1.0]", "[0,4]", 4), "shape of tensor 't'; got 1.0"},
      {one(f32, "[9223372036854775808]", "[0,4]", 4), "got 9223372036854775808"},
      {one(f32, "[4294967296,4294967296]", "[0,0]", 0), "shape of tensor 't'; got [4294967296"},
      {one(R"("F4")", "[1]", "[0,1]", 1), "expected whole bytes"},
      {one(f32, "[1]", "[0]", 4), "data_offsets of tensor 't'; expected two"},
      {one(f32, "[1]", "[-4,0]", 4), "data_offsets of tensor 't'; expected two"},
      {one(f32, "[1]", "[4,0]", 4), "got 4 to 0, expected a length of 4 bytes"},
      {one(f32, "[2]", "[0,4]", 4), "got 0 to 4, expected a length of 8 bytes"},
      {one(f32, "[1]", "[0,4]", 3),
       "tensor 't' does not fit; it ends at byte 4 of the data, the file has 3"},
      {one(f32, "[1]", "[4,8]", 8),
       "got 4, expected 0: the data may have neither holes nor overlaps"},
      {one(f32, "[1]", "[0,4]", 5), "size of the data; got 5 bytes, expected 4"},
      {file_of(R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},)"
               R"("b":{"dtype":"I8","shape":[4],"data_offsets":[3,7]}})",
               7),
       "data_offsets of tensor 'b'; got 3, expected 4"},
      {one(f32, "[1]", "[18446744073709551612,18446744073709551616]", 4), "expected two"},
  };
  for (const Case& row : cases) expect_refused(row);
}

TEST(SafetensorsHostile, EveryPrefixIsRefused) {
  const std::string whole = read_file(testing::golden_dir() / "io.safetensors");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(parse(whole.substr(0, size)), Error) << size;
  }
  EXPECT_NO_THROW(parse(whole));
}

}  // namespace
}  // namespace ondol::io

#include "io/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "io/byte_cursor.h"
#include "io/gguf_writer.h"
#include "support/paths.h"

namespace ondol::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path golden_gguf() { return testing::golden_dir() / "io.gguf"; }

nlohmann::json golden_json() {
  return nlohmann::json::parse(std::ifstream(testing::golden_dir() / "io.json"));
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <class Function>
void expect_error(ErrorCode code, const std::string& part, Function function) {
  try {
    function();
    FAIL() << "no error; expected one with: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

// tests/golden/io.gguf is written by the gguf package of Python: tools/golden/io.py.
TEST(GgufGolden, ScalarsOfEveryType) {
  const GgufFile file = GgufFile::open(golden_gguf());
  const GgufMetadata& meta = file.metadata();
  EXPECT_EQ(meta.require_string("general.architecture"), "llama");
  EXPECT_EQ(meta.require_u64("t.u8"), 200u);
  EXPECT_EQ(meta.require_i64("t.i8"), -100);
  EXPECT_EQ(meta.require_u64("t.u16"), 60000u);
  EXPECT_EQ(meta.require_i64("t.i16"), -30000);
  EXPECT_EQ(meta.require_u64("t.u32"), 4000000000u);
  EXPECT_EQ(meta.require_i64("t.i32"), -2000000000);
  EXPECT_EQ(meta.require_u64("t.u64"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(meta.require_i64("t.i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(meta.require_f64("t.f32"), 0.5);
  EXPECT_EQ(meta.require_f64("t.f64"), 0.1);
  EXPECT_EQ(meta.require_f64("t.i32"), -2e9);
  EXPECT_TRUE(meta.require_bool("t.bool_true"));
  EXPECT_FALSE(meta.require_bool("t.bool_false"));
  EXPECT_EQ(meta.require_string("t.string"), "온돌 ondol");
  EXPECT_EQ(meta.require_string("t.empty_string"), "");
  EXPECT_EQ(meta.keys().front(), "general.architecture");
  EXPECT_EQ(meta.keys().size(), meta.entries().size());
  EXPECT_EQ(meta.describe("t.string"), "string \"온돌 ondol\"");
  EXPECT_EQ(meta.describe("a.string"), "array of 4 string");
  EXPECT_EQ(meta.describe("t.i8"), "i8 -100");
  EXPECT_EQ(meta.describe("t.u16"), "u16 60000");
  EXPECT_EQ(meta.describe("t.f32"), "f32 0.5");
  EXPECT_EQ(meta.describe("t.bool_true"), "bool true");
}

TEST(GgufGolden, ArraysOfEveryType) {
  const GgufFile file = GgufFile::open(golden_gguf());
  const GgufMetadata& meta = file.metadata();
  EXPECT_THAT(meta.require_ints("a.u8"), ElementsAre(0, 255));
  EXPECT_THAT(meta.require_ints("a.i8"), ElementsAre(-128, 127));
  EXPECT_THAT(meta.require_ints("a.u16"), ElementsAre(0, 65535));
  EXPECT_THAT(meta.require_ints("a.i16"), ElementsAre(-32768, 32767));
  EXPECT_THAT(meta.require_ints("a.u32"), ElementsAre(0, 4294967295));
  EXPECT_THAT(meta.require_ints("a.i32"), ElementsAre(-2147483648, 7));
  EXPECT_THAT(meta.require_ints("a.u64"), ElementsAre(0, INT64_MAX));
  EXPECT_THAT(meta.require_ints("a.i64"), ElementsAre(INT64_MIN, INT64_MAX));
  EXPECT_THAT(meta.require_ints("a.bool"), ElementsAre(1, 0, 1));
  EXPECT_THAT(meta.require_floats("a.f32"), ElementsAre(0.25, -1.5));
  EXPECT_THAT(meta.require_floats("a.f64"), ElementsAre(0.1, 1e300));
  EXPECT_THAT(meta.require_floats("a.i8"), ElementsAre(-128.0, 127.0));
  const std::string long_text(300, 'x');
  EXPECT_THAT(meta.require_strings("a.string"), ElementsAre("a", "", "돌", long_text));
  EXPECT_THAT(meta.require_string_views("a.string"), ElementsAre("a", "", "돌", long_text));
}

TEST(GgufGolden, TensorsOfEveryType) {
  const GgufFile file = GgufFile::open(golden_gguf());
  const nlohmann::json expected = golden_json()["gguf"];
  ASSERT_EQ(file.tensors().size(), expected.size());
  ASSERT_EQ(expected.size(), 16u);
  for (const auto& [name, row] : expected.items()) {
    const TensorInfo& tensor = file.require_tensor(name);
    EXPECT_EQ(dtype_info(tensor.dtype).name, row["dtype"].get<std::string>()) << name;
    EXPECT_EQ(tensor.shape, row["shape"].get<Shape>()) << name;
    EXPECT_EQ(sha256_hex(as_text(tensor.bytes)), row["sha256"].get<std::string>()) << name;
    file.drop(tensor);
  }
}

TEST(GgufMetadata, RefusesOtherKindsAndRanges) {
  GgufWriter writer;
  writer.set<int32_t>("negative", -1);
  writer.set<uint64_t>("huge", uint64_t{1} << 63);
  writer.set<uint8_t>("small", 7);
  writer.set<float>("real", 1.5f);
  writer.set_string("text", "seven");
  writer.set_array<uint64_t>("huge_array", {1, uint64_t{1} << 63});
  writer.set_strings("texts", std::vector<std::string>{"a"});
  writer.set_array<uint32_t>("empty", {});
  const std::string bytes = writer.build();
  const GgufFile file = GgufFile::parse(bytes_of(bytes), "m.gguf");
  const GgufMetadata& meta = file.metadata();
  constexpr auto kCorrupt = ErrorCode::kCorruptData;
  const auto& e = [&](const std::string& part, auto f) { expect_error(kCorrupt, part, f); };
  e("'m.gguf': value of key 'negative'; got i32 -1, expected an integer from 0 to "
    "18446744073709551615",
    [&] { return meta.find_u64("negative"); });
  e("got u8 7, expected an integer from 0 to 6", [&] { return meta.find_u64("small", 6); });
  e("got u64 9223372036854775808", [&] { return meta.find_i64("huge"); });
  e("got u64 9223372036854775808, expected a number", [&] { return meta.find_f64("huge"); });
  e("got f32 1.5, expected an integer", [&] { return meta.find_u64("real"); });
  e("got f32 1.5, expected an integer", [&] { return meta.find_i64("real"); });
  e("got string \"seven\", expected a number", [&] { return meta.find_f64("text"); });
  e("got u8 7, expected a string", [&] { return meta.find_string("small"); });
  e("got u8 7, expected a bool", [&] { return meta.find_bool("small"); });
  e("expected an array of strings", [&] { return meta.find_strings("text"); });
  e("got array of 2 u64, expected an array of strings",
    [&] { return meta.find_strings("huge_array"); });
  e("expected an array of integers", [&] { return meta.find_ints("huge_array"); });
  e("expected an array of integers", [&] { return meta.find_ints("texts"); });
  e("expected an array of numbers", [&] { return meta.find_floats("huge_array"); });
  e("expected an array of numbers", [&] { return meta.find_floats("texts"); });
  e("'m.gguf' has no key 'absent'; got 8 other keys", [&] { return meta.require_u64("absent"); });
  e("has no key 'absent'", [&] { return meta.describe("absent"); });
  EXPECT_EQ(meta.find_u64("small", 7), 7u);
  EXPECT_THAT(meta.require_ints("empty"), ElementsAre());
  EXPECT_FALSE(meta.find_string("absent") || meta.find_u64("absent") || meta.find_i64("absent"));
  EXPECT_FALSE(meta.find_f64("absent") || meta.find_bool("absent") || meta.find_ints("absent"));
  EXPECT_FALSE(meta.find_strings("absent") || meta.find_floats("absent"));
}

TEST(GgufWriter, RoundTripThroughAFile) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const std::vector<uint16_t> halves = {0x3C00, 0xC000, 0x0001, 0x7C00, 0x8000};
  const std::vector<uint16_t> brains = {0x3FC0, 0xC040};
  const std::string blocks(40, '\x11');
  GgufWriter writer(64);
  writer.set_string("general.architecture", "bert");
  writer.set_array<bool>("flags", {true, false});
  writer.add_tensor("a", DType::kF32, {2, 3}, std::as_bytes(std::span(values)));
  writer.add_tensor("b", DType::kF16, {5}, std::as_bytes(std::span(halves)));
  writer.add_tensor("c", DType::kQ4_1, {2, 32}, bytes_of(blocks));
  writer.add_tensor("d", DType::kBF16, {2}, std::as_bytes(std::span(brains)));
  writer.add_tensor("e", DType::kF32, {}, std::as_bytes(std::span(values).first(1)));
  const auto path = std::filesystem::path(::testing::TempDir()) / "ondol_io_round_trip.gguf";
  writer.write(path);
  const GgufFile file = GgufFile::open(path);
  std::filesystem::remove(path);

  EXPECT_EQ(file.alignment(), 64u);
  EXPECT_EQ(file.name(), path.string());
  EXPECT_THAT(file.metadata().require_ints("flags"), ElementsAre(1, 0));
  EXPECT_EQ(file.read_f32("a"), values);
  EXPECT_THAT(file.read_f32("b"), ElementsAre(1.0f, -2.0f, 0x1p-24f, INFINITY, -0.0f));
  EXPECT_TRUE(std::signbit(file.read_f32("b")[4]));
  EXPECT_THAT(file.read_f32("d"), ElementsAre(1.5f, -3.0f));
  EXPECT_THAT(file.read_f32("e"), ElementsAre(1.0f));
  EXPECT_EQ(as_text(file.require_tensor("c", {2, 32}).bytes), blocks);
  EXPECT_EQ(file.find_tensor("f"), nullptr);
  expect_error(ErrorCode::kCorruptData, "has no tensor 'f'; got 5 other tensors",
               [&] { file.require_tensor("f"); });
  expect_error(ErrorCode::kCorruptData, "shape of tensor 'a'; got [2, 3], expected [3, 2]", [&] {
    file.require_tensor("a", {3, 2});
  });
  expect_error(ErrorCode::kUnsupported, "type of tensor 'c'; got q4_1, expected f32, f16 or bf16",
               [&] { file.read_f32("c"); });
}

TEST(GgufWriter, RefusesWhatItCannotWrite) {
  const std::string four(4, '\0');
  GgufWriter writer;
  writer.set<bool>("key", true);
  writer.add_tensor("x", DType::kF32, {1}, bytes_of(four));
  constexpr auto kInvalid = ErrorCode::kInvalidArgument;
  expect_error(kInvalid, "key 'key' was set before", [&] { writer.set<bool>("key", false); });
  expect_error(kInvalid, "'x'", [&] { writer.add_tensor("x", DType::kF32, {1}, bytes_of(four)); });
  expect_error(kInvalid, "got 4 bytes, expected 8",
               [&] { writer.add_tensor("y", DType::kF32, {2}, bytes_of(four)); });
  expect_error(kInvalid, "power of two", [] { GgufWriter odd(24); });
  expect_error(ErrorCode::kResourceExhausted, "/proc",
               [&] { writer.write("/proc/ondol/no.gguf"); });
}

}  // namespace
}  // namespace ondol::io

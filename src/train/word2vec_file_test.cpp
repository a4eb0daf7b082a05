#include "train/word2vec_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/files.h"
#include "train/test_support.h"

namespace ondol::train {
namespace {

using ::testing::HasSubstr;

WordVectors sample() {
  return WordVectors({"the", "온돌", "café"}, 2,
                     {0.1F, -2.5e-30F, 1.0F / 3.0F, 0.0F, 1e-45F, 3.4e38F});
}

std::string floats(std::initializer_list<float> values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.begin(), bytes.size());
  return bytes;
}

std::string message_of(const std::string& bytes, WordVectorFormat format) {
  try {
    parse_word_vectors(bytes, format, "x.vec");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    return error.what();
  }
  return "";
}

TEST(WordVectorFile, BothFormatsGiveTheBitsBack) {
  const TempFile folder("x", "");
  for (const char* name : {"v.vec", "v.bin"}) {
    const std::filesystem::path path = folder.path().parent_path() / name;
    const WordVectors before = sample();
    write_word_vectors(
        before, path,
        path.extension() == ".bin" ? WordVectorFormat::kBinary : WordVectorFormat::kText);
    const WordVectors after = read_word_vectors(path);
    EXPECT_EQ(after.words(), before.words());
    EXPECT_EQ(after.values(), before.values());
    EXPECT_EQ(after.width(), 2U);
    EXPECT_EQ(after.find("온돌"), 1U);
    EXPECT_EQ(after.find("nothing"), std::nullopt);
  }
}

TEST(WordVectorFile, BytesAreThoseOfTheFormats) {
  const TempFile folder("x", "");
  const auto write = [&](WordVectorFormat format) {
    const std::filesystem::path path = folder.path().parent_path() / "v";
    write_word_vectors(WordVectors({"a", "b"}, 2, {1.0F, -0.5F, 0.25F, 2.0F}), path, format);
    return read_file(path);
  };
  EXPECT_EQ(write(WordVectorFormat::kText), "2 2\na 1 -0.5\nb 0.25 2\n");
  EXPECT_EQ(write(WordVectorFormat::kBinary),
            "2 2\na " + floats({1.0F, -0.5F}) + "\nb " + floats({0.25F, 2.0F}) + "\n");
}

TEST(WordVectorFile, ReadsWhatOthersWrite) {
  // gensim: no line feed behind binary rows, negative exponents; fastText: a space at the line's
  // end.
  const std::string bin = "2 1\na " + floats({1.0F}) + "b " + floats({2.0F});
  EXPECT_EQ(parse_word_vectors(bin, WordVectorFormat::kBinary, "x").values()[1], 2.0F);
  const std::string vec = "2 2\r\na 1e-05 -2 \r\nb 3.5 4";
  const WordVectors read = parse_word_vectors(vec, WordVectorFormat::kText, "x");
  EXPECT_EQ(read.values(), (std::vector<float>{1e-05F, -2, 3.5F, 4}));
}

TEST(WordVectorFile, RefusesTextThatLies) {
  const auto text = [](const std::string& bytes) {
    return message_of(bytes, WordVectorFormat::kText);
  };
  EXPECT_THAT(text(""), HasSubstr("ends before its first line"));
  EXPECT_THAT(text("the 0.1 0.2\n"), HasSubstr("expected 'COUNT WIDTH'"));
  EXPECT_THAT(text("3\n"), HasSubstr("not 'COUNT WIDTH'"));
  EXPECT_THAT(text("1 2 3\na 1 2\n"), HasSubstr("goes on behind"));
  EXPECT_THAT(text("0 2\n"), HasSubstr("0 words"));
  EXPECT_THAT(text("1 0\na\n"), HasSubstr("0 values"));
  EXPECT_THAT(text("1 99999999\na 1\n"), HasSubstr("at most 65536"));
  EXPECT_THAT(text("18446744073709551615 65536\na 1\n"), HasSubstr("cut off"));
  EXPECT_THAT(text("99999999999999999999 1\na 1\n"), HasSubstr("COUNT WIDTH"));
  EXPECT_THAT(text("4611686018427387904 2\na 1 2\n"), HasSubstr("cut off"));
  EXPECT_THAT(text("2 2\na 1 2 \n          \n"), HasSubstr("no values"));
  EXPECT_THAT(text("2 2\na 1000 2000\n"), HasSubstr("ends before"));
  EXPECT_THAT(text("1 2\na 1\n   "), HasSubstr("value 2 of word 1"));
  EXPECT_THAT(text("1 2\na 1 x\n"), HasSubstr("is not a number"));
  EXPECT_THAT(text("1 2\na 1 2 3\n"), HasSubstr("more than 2 values"));
  EXPECT_THAT(text("1 2\na nan 2\n"), HasSubstr("not finite"));
  EXPECT_THAT(text("1 2\na 1 inf\n"), HasSubstr("not finite"));
  EXPECT_THAT(text("1 2\na 1 1e99\n"), HasSubstr("is not a number"));
  EXPECT_THAT(text("2 1\na 1\na 2\n"), HasSubstr("stands there twice"));
  EXPECT_THAT(text("1 1\na 1\nb 2\n"), HasSubstr("behind the last of 1 words"));
  EXPECT_THAT(text("1 1\n\xFF 1\n"), HasSubstr("not UTF-8"));
  EXPECT_THAT(text("1 1\n 1111\n"), HasSubstr("is empty"));
}

TEST(WordVectorFile, RefusesBytesThatLie) {
  const auto binary = [](const std::string& bytes) {
    return message_of(bytes, WordVectorFormat::kBinary);
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(binary("1 1\na " + floats({nan})), HasSubstr("not finite"));
  EXPECT_THAT(binary("9 1\na " + floats({1})), HasSubstr("cut off"));
  EXPECT_THAT(binary("1 1\nabcdef"), HasSubstr("no space behind word 1"));
  EXPECT_THAT(binary("1 1\nabcde 123"), HasSubstr("file ends"));
  EXPECT_THAT(binary("1 1\na " + floats({1}) + "\nrest"), HasSubstr("4 bytes behind"));
  // Every cut of a good file is refused, and never read beyond.
  const std::string good = "2 2\na " + floats({1, 2}) + "\nb " + floats({3, 4}) + "\n";
  for (size_t size = 0; size + 1 < good.size(); ++size) {
    EXPECT_NE(message_of(good.substr(0, size), WordVectorFormat::kBinary), "") << size;
  }
}

TEST(WordVectorFile, RefusesWordsThatTheFormatsCannotHold) {
  EXPECT_THROW(WordVectors({"a b"}, 1, {1.0F}), Error);
  EXPECT_THROW(WordVectors({""}, 1, {1.0F}), Error);
  EXPECT_THROW(WordVectors({"a\nb"}, 1, {1.0F}), Error);
}

}  // namespace
}  // namespace ondol::train

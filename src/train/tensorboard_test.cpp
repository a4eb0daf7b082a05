#include "train/tensorboard.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/files.h"
#include "train/run_test_support.h"

namespace ondol::train::testing {
namespace {

using Scalars = std::vector<EventWriter::Scalar>;

std::string bytes(std::initializer_list<int> list) {
  std::string text;
  for (const int byte : list) text += static_cast<char>(byte);
  return text;
}

// The values of RFC 3720, appendix B.4, and the usual check word.
TEST(TensorBoard, Crc32cHasTheValuesOfTheStandard) {
  EXPECT_EQ(internal::crc32c(""), 0U);
  EXPECT_EQ(internal::crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(internal::crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(internal::crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  std::string rising;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i);
  EXPECT_EQ(internal::crc32c(rising), 0x46DD794EU);
}

// Every event file of TensorFlow begins with these bytes: 24, and the masked checksum of 24.
TEST(TensorBoard, TheFirstRecordIsTheOneReadersKnow) {
  const std::string record = internal::event_record(internal::version_event(1.0));
  ASSERT_EQ(record.size(), 8U + 4 + 24 + 4);
  EXPECT_EQ(record.substr(0, 12), bytes({0x18, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0x7F, 0x4B, 0x22}));
  EXPECT_EQ(record.substr(12, 11), bytes({0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x1A, 0x0D}));
  EXPECT_EQ(record.substr(23, 13), "brain.Event:2");
}

TEST(TensorBoard, ScalarsInProtobuf) {
  const Scalars scalars = {{"a", 1.0}, {"b", -2.0}};
  EXPECT_EQ(
      internal::scalar_event(1.0, 300, scalars),
      bytes({0x09, 0,    0,    0, 0,   0,    0, 0xF0, 0x3F,        // wall_time: 1
             0x10, 0xAC, 0x02,                                     // step: 300
             0x2A, 20,                                             // summary
             0x0A, 8,    0x0A, 1, 'a', 0x15, 0, 0,    0x80, 0x3F,  // value { tag, simple_value }
             0x0A, 8,    0x0A, 1, 'b', 0x15, 0, 0,    0x00, 0xC0}));
  EXPECT_EQ(internal::restart_event(1.0, 5),
            bytes({0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x10, 5, 0x3A, 2, 0x08, 1}));
}

// Reads records as TensorFlow does, checking both sums.
std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> records;
  const auto sum_at = [&](size_t at) {
    uint32_t sum = 0;
    std::memcpy(&sum, file.data() + at, 4);
    const uint32_t rotated = sum - 0xA282EAD8U;
    return rotated >> 17 | rotated << 15;
  };
  for (size_t at = 0; at < file.size();) {
    uint64_t length = 0;
    std::memcpy(&length, file.data() + at, 8);
    EXPECT_EQ(sum_at(at + 8), internal::crc32c({file.data() + at, 8}));
    records.push_back(file.substr(at + 12, length));
    EXPECT_EQ(sum_at(at + 12 + length), internal::crc32c(records.back()));
    at += 12 + length + 4;
  }
  return records;
}

TEST(TensorBoard, FilesAreRecordsOfEvents) {
  const TemporaryFolder folder;
  EventWriter events(folder.path(), 1);
  EXPECT_TRUE(events.path().filename().string().starts_with("events.out.tfevents."));
  for (int64_t step = 1; step <= 3; ++step) {
    const Scalars scalars = {{"train/loss", 2.0 / static_cast<double>(step)}};
    events.write(step, scalars);
    // On disk at once: a killed run keeps them.
    const auto records = records_of(read_file(events.path()));
    ASSERT_EQ(records.size(), static_cast<size_t>(2 + step));
    EXPECT_NE(records.back().find("train/loss"), std::string::npos);
  }
  const EventWriter second(folder.path(), 3);
  EXPECT_NE(second.path(), events.path());
  EXPECT_NE(refusal(ErrorCode::kResourceExhausted,
                    [&] { EventWriter nowhere(folder.path() / "none", 1); }),
            "");
}

}  // namespace
}  // namespace ondol::train::testing

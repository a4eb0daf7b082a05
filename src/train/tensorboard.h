// A TensorBoard event file: scalars by step.
//
//   EventWriter events(folder, 0);
//   events.write(step, {{"train/loss", 1.8}, {"train/learning_rate", 2e-4}});
//
// A record is its length (u64), the length's masked CRC-32C, the bytes of one Event, their masked
// CRC-32C. Sources: tensorflow's record_writer.h and event.proto. Each write reaches the system
// before it returns. Throws Error(kResourceExhausted) naming the file. One writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ondol::train {

class EventWriter {
 public:
  using Scalar = std::pair<std::string, double>;

  // Makes a new file beside older ones. What those say of `first_step` and later is void.
  EventWriter(const std::filesystem::path& folder, int64_t first_step);
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  void write(int64_t step, std::span<const Scalar> scalars);
  const std::filesystem::path& path() const { return path_; }

 private:
  void append(std::string_view event);

  std::filesystem::path path_;
  int fd_ = -1;
};

namespace internal {
uint32_t crc32c(std::string_view bytes);  // Castagnoli, reflected
std::string event_record(std::string_view event);
// Events in protobuf's encoding.
std::string version_event(double wall_time);
std::string restart_event(double wall_time, int64_t first_step);
std::string scalar_event(double wall_time, int64_t step, std::span<const EventWriter::Scalar> of);
}  // namespace internal

}  // namespace ondol::train

#include "train/tensorboard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/error.h"

namespace ondol::train {
namespace internal {
namespace {

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0x82F63B78U : 0U);
    table[byte] = rest;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = make_table();

// As records hold it: a checksum of bytes that hold checksums would be weak.
uint32_t masked(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U; }

template <class Number>
std::string little_endian(Number number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

std::string varint(uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  return bytes + static_cast<char>(number);
}

enum Wire : uint64_t { kVarint = 0, k64Bits = 1, kBytes = 2, k32Bits = 5 };

std::string key(uint64_t field, Wire wire) { return varint(field << 3 | wire); }

std::string bytes_field(uint64_t field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

std::string wall_time_field(double wall_time) { return key(1, k64Bits) + little_endian(wall_time); }

std::string step_field(int64_t step) {
  return key(2, kVarint) + varint(static_cast<uint64_t>(step));
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char c : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  return ~crc;
}

std::string event_record(std::string_view event) {
  const std::string length = little_endian(static_cast<uint64_t>(event.size()));
  return length + little_endian(masked(length)) + std::string(event) + little_endian(masked(event));
}

std::string version_event(double wall_time) {
  return wall_time_field(wall_time) + bytes_field(3, "brain.Event:2");
}

// session_log { status: START }: readers drop what older files say of this step and later.
std::string restart_event(double wall_time, int64_t first_step) {
  return wall_time_field(wall_time) + step_field(first_step) +
         bytes_field(7, key(1, kVarint) + varint(1));
}

std::string scalar_event(double wall_time, int64_t step, std::span<const EventWriter::Scalar> of) {
  std::string summary;
  for (const auto& [tag, value] : of) {
    summary += bytes_field(
        1, bytes_field(1, tag) + key(2, k32Bits) + little_endian(static_cast<float>(value)));
  }
  return wall_time_field(wall_time) + step_field(step) + bytes_field(5, summary);
}

}  // namespace internal

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

EventWriter::EventWriter(const std::filesystem::path& folder, int64_t first_step) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  // Readers take files in the order of their names.
  const auto microseconds = static_cast<int64_t>(now() * 1e6);
  const std::string name =
      fmt::format("events.out.tfevents.{}.{}.{}.{:06d}", microseconds / 1'000'000, host.data(),
                  ::getpid(), microseconds % 1'000'000);
  path_ = folder / name;
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  append(internal::version_event(now()));
  append(internal::restart_event(now(), first_step));
}

EventWriter::~EventWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void EventWriter::write(int64_t step, std::span<const Scalar> scalars) {
  append(internal::scalar_event(now(), step, scalars));
}

void EventWriter::append(std::string_view event) {
  const std::string record = internal::event_record(event);
  std::string_view rest = record;
  while (fd_ >= 0 && !rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    rest.remove_prefix(static_cast<size_t>(written));
  }
  if (rest.empty()) return;
  throw Error(ErrorCode::kResourceExhausted, fmt::format("[tensorboard] cannot write '{}': {}",
                                                         path_.string(), std::strerror(errno)));
}

}  // namespace ondol::train

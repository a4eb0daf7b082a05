// SHA-256 (FIPS 180-4): names what a result was made from (architecture, contract 9).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace ondol {

class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) {
    update(std::span(reinterpret_cast<const std::byte*>(text.data()), text.size()));
  }
  // Lower-case hexadecimal, 64 characters. The object is spent afterwards.
  std::string hex_digest();

 private:
  void block(const uint8_t* data);
  std::array<uint32_t, 8> state_;
  std::array<uint8_t, 64> buffer_{};
  size_t buffered_ = 0;
  uint64_t total_bytes_ = 0;
};

std::string sha256_hex(std::string_view text);
// Reads the file in pieces; throws Error(kNotFound) if it cannot be read.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace ondol

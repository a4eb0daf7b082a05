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
  std::array<uint32_t, 8> state_;
  std::array<uint8_t, 64> buffer_{};
  size_t buffered_ = 0;
  uint64_t total_bytes_ = 0;
};

std::string sha256_hex(std::string_view text);
// Reads the file in pieces; throws Error(kNotFound) if it cannot be read.
std::string sha256_file(const std::filesystem::path& path);

namespace internal {
// Folds `blocks` blocks of 64 bytes into the eight words of the state: the plain one, and the one
// that takes the processor's SHA instructions where it has them (same result; tests compare them).
void sha256_blocks_portable(uint32_t* state, const uint8_t* data, size_t blocks);
void sha256_blocks(uint32_t* state, const uint8_t* data, size_t blocks);
}  // namespace internal

}  // namespace ondol

// Tile registers in plain C++, for tests on machines without AMX: what the Intel SDM (volume 2)
// says that TILEZERO, TILELOADD, TILESTORED and TDPBSSD do, and a trap where it says #GP or #UD.
#pragma once

#include <cstring>

#include "kernels/cpu/amx_config.h"
#include "kernels/table.h"

namespace ondol {
namespace {

class SoftwareTiles {
 public:
  explicit SoftwareTiles(const TileConfig& config) : config_(config) {
    need(config.palette == 1 && config.start_row == 0);
    for (const uint8_t byte : config.reserved) need(byte == 0);
    for (int i = 0; i < 16; ++i) {
      need(config.row_bytes[i] <= 64 && config.rows[i] <= 16);
      need((config.row_bytes[i] == 0) == (config.rows[i] == 0));
      need(i < 8 || config.rows[i] == 0);
    }
  }

  template <int kTile>
  void zero() {
    need(rows(kTile) != 0);
    std::memset(tiles_[kTile], 0, sizeof tiles_[kTile]);
  }
  template <int kTile>
  void load(const void* from, int64_t stride) {
    zero<kTile>();  // what lies beyond the rows and their bytes
    for (int row = 0; row < rows(kTile); ++row) {
      std::memcpy(tiles_[kTile][row], static_cast<const uint8_t*>(from) + row * stride,
                  config_.row_bytes[kTile]);
    }
  }
  template <int kTile>
  void store(void* to, int64_t stride) const {
    need(rows(kTile) != 0);
    for (int row = 0; row < rows(kTile); ++row) {
      std::memcpy(static_cast<uint8_t*>(to) + row * stride, tiles_[kTile][row],
                  config_.row_bytes[kTile]);
    }
  }
  // sum += a * b: signed bytes, four products a 32-bit element, without saturation.
  template <int kSum, int kA, int kB>
  void dot() {
    static_assert(kSum != kA && kSum != kB && kA != kB);
    need(rows(kSum) != 0 && rows(kA) == rows(kSum) && config_.row_bytes[kA] == 4 * rows(kB));
    need(config_.row_bytes[kB] == config_.row_bytes[kSum] && config_.row_bytes[kB] % 4 == 0);
    const int columns = config_.row_bytes[kSum] / 4;
    for (int m = 0; m < rows(kSum); ++m) {
      for (int k = 0; k < rows(kB); ++k) {
        for (int n = 0; n < columns; ++n) {
          uint8_t* sum = tiles_[kSum][m] + 4 * n;
          add_products(sum, tiles_[kA][m] + 4 * k, tiles_[kB][k] + 4 * n);
        }
      }
      std::memset(tiles_[kSum][m] + 4 * columns, 0, static_cast<size_t>(64 - 4 * columns));
    }
    for (int m = rows(kSum); m < 16; ++m) std::memset(tiles_[kSum][m], 0, 64);
  }

 private:
  static void need(bool allowed) {
    if (!allowed) __builtin_trap();
  }
  static void add_products(uint8_t* sum, const uint8_t* a, const uint8_t* b) {
    uint32_t total;
    std::memcpy(&total, sum, sizeof total);
    for (int i = 0; i < 4; ++i) {
      total += static_cast<uint32_t>(static_cast<int8_t>(a[i]) * static_cast<int8_t>(b[i]));
    }
    std::memcpy(sum, &total, sizeof total);
  }
  int rows(int tile) const { return config_.rows[tile]; }

  TileConfig config_;
  uint8_t tiles_[8][16][64]{};
};

}  // namespace
}  // namespace ondol

// The tile kernels over these tiles, for 16 tokens and more (cpu/*_amx_software_test.cpp).
namespace ondol::avx2 {
void matmul_fast_software_tiles(const FastMatmul& work);
}
namespace ondol::avx512 {
void matmul_fast_software_tiles(const FastMatmul& work);
}

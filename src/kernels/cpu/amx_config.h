// The shapes of the tile registers, as the instruction LDTILECFG reads them (Intel SDM volume 1,
// chapter "Programming with Intel AMX", palette 1: 8 tiles of at most 16 rows of 64 bytes).
#pragma once

#include <cstdint>

namespace ondol {
namespace {

struct TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14]{};
  uint16_t row_bytes[16]{};
  uint8_t rows[16]{};
};
static_assert(sizeof(TileConfig) == 64);

}  // namespace
}  // namespace ondol

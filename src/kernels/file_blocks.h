// One block of a GGUF quantised tensor, read field by field into plain numbers: shared by packing
// and by dequantisation. Sources are unaligned; the caller guarantees block_bytes readable bytes.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace ondol {

struct FileBlock {  // Q4_0 Q4_1 Q5_0 Q5_1 Q8_0
  uint16_t d;       // IEEE halves
  uint16_t m;
  bool has_minimum;
  int offset;         // value = d * (code - offset), or d * code + m
  uint8_t codes[32];  // unsigned
};

struct FileSuperBlock {  // Q4_K Q5_K Q6_K
  uint16_t d;
  uint16_t m;
  bool has_minimum;
  int part_columns;  // columns that share one integer scale: 32, or 16 (Q6_K, whose offset is 32)
  int16_t scales[16];
  int16_t minimums[8];
  uint8_t codes[256];
};

FileBlock read_block(DType dtype, const uint8_t* source);
FileSuperBlock read_super_block(DType dtype, const uint8_t* source);

}  // namespace ondol

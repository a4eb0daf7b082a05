// Layout of the generated tables in unicode_table.cpp; only unicode.cpp reads them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ondol::text::table {

// Every stride-th code point of [first, last] has the lower-case form code + delta.
struct LowerRange {
  uint32_t first;
  uint32_t last;
  uint8_t stride;
  int32_t delta;
};

struct ClassRange {
  uint32_t first;
  uint32_t last;
  uint8_t combining_class;
};

// Full decomposition: `size` code points from `offset` in the pool.
struct Decomposition {
  uint32_t code;
  uint16_t offset;
  uint8_t size;
};

struct Composition {
  uint32_t first;
  uint32_t second;
  uint32_t composed;
};

extern const char kUnicodeVersion[];
extern const uint32_t kCategories[];  // first code << 5 | category, up to the next entry
extern const size_t kCategoriesSize;
extern const LowerRange kLower[];
extern const size_t kLowerSize;
extern const ClassRange kCombiningClasses[];
extern const size_t kCombiningClassesSize;
extern const Decomposition kDecompositions[];
extern const size_t kDecompositionsSize;
extern const char32_t kDecompositionPool[];
extern const size_t kDecompositionPoolSize;
extern const Composition kCompositions[];
extern const size_t kCompositionsSize;
// Compatibility decompositions, only where they differ from the canonical ones.
extern const Decomposition kCompatibility[];
extern const size_t kCompatibilitySize;
extern const char32_t kCompatibilityPool[];
extern const size_t kCompatibilityPoolSize;

}  // namespace ondol::text::table

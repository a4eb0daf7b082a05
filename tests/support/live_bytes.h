// How much memory this process holds from its allocator. Only for test sources.
#pragma once

#include <malloc.h>

#include <cstdint>

namespace ondol::testing {

// 0 where another allocator (a sanitizer's) stands in glibc's place.
inline int64_t live_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

}  // namespace ondol::testing

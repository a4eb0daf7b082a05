#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace ondol {

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kCorruptData:
      return "corrupt_data";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kResourceExhausted:
      return "resource_exhausted";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

namespace internal {
void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "ondol: internal error: assertion '%s' failed at %s:%d\n", condition, file,
               line);
  std::abort();
}
}  // namespace internal
}  // namespace ondol

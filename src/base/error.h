// Errors that end a request, and assertions for our own bugs.
//
//   throw Error(ErrorCode::kInvalidArgument, "[gguf] tensor 'x' ends at byte 90; the file has 80; "
//               "try downloading the file again");
//
// Three kinds, never mixed (docs/decisions/0001-errors.md): our bug -> ONDOL_ASSERT; the request
// cannot go on -> throw Error; an expected outcome (not found, did not parse) -> std::optional or
// Result<T>. A message reads `[where] what; got X, expected Y; try Z`. Thread-safe: values only.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace ondol {

enum class ErrorCode {
  kInvalidArgument,    // the caller asked for something that cannot be: exit code 2
  kNotFound,           // a named file, model, recipe does not exist
  kCorruptData,        // a file or stored row breaks its own format
  kUnsupported,        // valid, but nothing here implements it
  kResourceExhausted,  // memory, disk, context window, a configured limit
  kCancelled,          // stopped by the user
  kUnavailable,        // a helper process or service did not answer
  kInternal,           // a broken promise of ours
};

// The stable name programs see, for example "invalid_argument".
const char* error_code_name(ErrorCode code);

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// An expected outcome: a value, or the sentence that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  static Result failure(std::string why) { return Result(std::move(why), FailureTag{}); }

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const std::string& why() const { return std::get<1>(state_).text; }

 private:
  struct FailureTag {};
  struct Failure {
    std::string text;
  };
  Result(std::string why, FailureTag) : state_(std::in_place_index<1>, Failure{std::move(why)}) {}
  std::variant<T, Failure> state_;
};

namespace internal {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}  // namespace internal
}  // namespace ondol

// Checks a condition that only a bug of ours can break; never reachable from user input. On in
// every build but release.
#if defined(ONDOL_ASSERTS)
#define ONDOL_ASSERT(condition) \
  ((condition) ? (void)0 : ::ondol::internal::assertion_failed(#condition, __FILE__, __LINE__))
#else
#define ONDOL_ASSERT(condition) ((void)sizeof(!(condition)))
#endif

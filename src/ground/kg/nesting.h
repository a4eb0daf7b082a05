// How deep the brackets of a Turtle text go. serd descends into them by recursion, so a file of
// nothing but brackets would end the program; this looks at the bytes before serd does.
#pragma once

#include <cstdint>
#include <string_view>

namespace ondol::ground {

class NestingGuard {
 public:
  explicit NestingGuard(int max) : max_(max) {}
  // false: deeper than the limit somewhere in these bytes.
  bool pass(std::string_view bytes);

 private:
  enum class State : uint8_t { kPlain, kEscape, kIri, kComment, kQuote1, kQuote2, kShort, kLong };
  void plain(char c);
  void inside_long(char c);

  int max_;
  int depth_ = 0;
  State state_ = State::kPlain;
  char quote_ = 0;
  int closing_ = 0;  // quotes in a row inside a long string
  bool escaped_ = false;
};

}  // namespace ondol::ground

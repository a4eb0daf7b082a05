// Template source to tokens, with Jinja's rules for white space (trim_blocks and lstrip_blocks on,
// as chat templates expect; one newline at the very end is dropped).
// Throws Error(kInvalidArgument), message with line and column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace ondol::text::jinja {

enum class TokenKind {
  kData,
  kPrintBegin,  // {{
  kPrintEnd,
  kBlockBegin,  // {%
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // data, name, decoded string, operator
  int64_t integer = 0;
  double real = 0;
  Position position;
};

std::vector<Token> tokenize(std::string_view source);

// "[chat template] line 3, column 7: ..." as an Error.
[[noreturn]] void throw_error(ErrorCode code, Position position, const std::string& message);
// How a token is named in messages.
std::string describe(const Token& token);

}  // namespace ondol::text::jinja

#include "ground/kg/nesting.h"

namespace ondol::ground {

void NestingGuard::plain(char c) {
  state_ = State::kPlain;
  switch (c) {
    case '[':
    case '(':
      ++depth_;
      break;
    case ']':
    case ')':
      if (depth_ > 0) --depth_;
      break;
    case '<':
      state_ = State::kIri;
      break;
    case '#':
      state_ = State::kComment;
      break;
    case '\\':
      state_ = State::kEscape;
      break;
    case '"':
    case '\'':
      quote_ = c;
      state_ = State::kQuote1;
      break;
    default:
      break;
  }
}

void NestingGuard::inside_long(char c) {
  if (escaped_) {
    escaped_ = false;
    closing_ = 0;
    return;
  }
  escaped_ = c == '\\';
  closing_ = c == quote_ ? closing_ + 1 : 0;
  if (closing_ == 3) state_ = State::kPlain;
}

bool NestingGuard::pass(std::string_view bytes) {
  for (const char c : bytes) {
    switch (state_) {
      case State::kPlain:
        plain(c);
        break;
      case State::kEscape:
        state_ = State::kPlain;
        break;
      case State::kIri:
        if (c == '>' || c == '\n') state_ = State::kPlain;
        break;
      case State::kComment:
        if (c == '\n' || c == '\r') state_ = State::kPlain;
        break;
      case State::kQuote1:  // one quote seen: "" or """ may follow, or the string has begun
        state_ = c == quote_ ? State::kQuote2 : State::kShort;
        escaped_ = c == '\\';
        break;
      case State::kQuote2:
        if (c == quote_) {
          state_ = State::kLong;
          escaped_ = false;
          closing_ = 0;
        } else {
          plain(c);  // it was an empty string
        }
        break;
      case State::kShort:
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else if (c == quote_ || c == '\n') {
          state_ = State::kPlain;
        }
        break;
      case State::kLong:
        inside_long(c);
        break;
    }
    if (depth_ > max_) return false;
  }
  return true;
}

}  // namespace ondol::ground

#include "text/jinja_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "text/jinja_text.h"

namespace ondol::text::jinja {

void throw_error(ErrorCode code, Position position, const std::string& message) {
  throw Error(code, fmt::format("[chat template] line {}, column {}: {}", position.line,
                                position.column, message));
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kData:
      return "text";
    case TokenKind::kPrintBegin:
      return "'{{'";
    case TokenKind::kPrintEnd:
      return "'}}'";
    case TokenKind::kBlockBegin:
      return "'{%'";
    case TokenKind::kBlockEnd:
      return "'%}'";
    case TokenKind::kString:
      return "a string";
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return "a number";
    case TokenKind::kEnd:
      return "the end of the template";
    default:
      return "'" + token.text + "'";
  }
}

namespace {

// "\r\n" and "\r" become "\n"; one newline at the end goes.
std::string normalize(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out.push_back('\n');
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out.push_back(source[i]);
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

bool name_start(unsigned char c) { return std::isalpha(c) || c == '_' || c >= 0x80; }
bool name_part(unsigned char c) { return name_start(c) || std::isdigit(c); }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const size_t open = find_open();
      data(open);
      if (open >= source_.size()) break;
      markup(open);
    }
    token(TokenKind::kEnd, source_.size());
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void error(size_t at, const std::string& message) {
    throw_error(ErrorCode::kInvalidArgument, position(at), message);
  }

  // Only ever asked for growing offsets, apart from errors.
  Position position(size_t at) {
    if (at < counted_) {
      counted_ = 0;
      position_ = {};
    }
    while (counted_ < at) {
      const char c = source_[counted_++];
      if (c == '\n') {
        ++position_.line;
        position_.column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
        ++position_.column;
      }
    }
    return position_;
  }

  Token& token(TokenKind kind, size_t at, std::string text = {}) {
    Token made;
    made.kind = kind;
    made.text = std::move(text);
    made.position = position(at);
    tokens_.push_back(std::move(made));
    return tokens_.back();
  }

  bool starts(size_t at, std::string_view with) const {
    return std::string_view(source_).substr(at, with.size()) == with;
  }

  size_t find_open() const {
    for (size_t at = at_; (at = source_.find('{', at)) != std::string::npos; ++at) {
      if (starts(at, "{%") || starts(at, "{{") || starts(at, "{#")) return at;
    }
    return source_.size();
  }

  // The text before the markup at `open`, with what `{%-` or lstrip_blocks takes from its end.
  void data(size_t open) {
    std::string_view text = std::string_view(source_).substr(at_, open - at_);
    if (open < source_.size()) text = text.substr(0, kept(text, open));
    if (!text.empty()) token(TokenKind::kData, at_, std::string(text));
  }

  size_t kept(std::string_view text, size_t open) const {
    const char sign = open + 2 < source_.size() ? source_[open + 2] : ' ';
    if (sign == '-') return strip(Text(text, kTrusted), Side::kRight, std::nullopt).size();
    if (sign == '+' || source_[open + 1] == '{') return text.size();
    const size_t newline = text.rfind('\n');
    const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    if (line == 0 && !line_starts_) return text.size();
    for (size_t at = line; at < text.size();) {
      const CodePoint point = decode_at(text, at);
      if (!is_space(point.code)) return text.size();
      at += point.length;
    }
    return line;
  }

  void markup(size_t open) {
    const char kind = source_[open + 1];
    at_ = open + 2;
    if (kind == '#') return comment(open);
    const bool signed_open = at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+');
    if (kind == '%' && raw(open, at_ + (signed_open ? 1 : 0))) return;
    if (signed_open) ++at_;
    token(kind == '%' ? TokenKind::kBlockBegin : TokenKind::kPrintBegin, open);
    brackets_.clear();
    while (!close(kind)) {
      skip_spaces();
      if (at_ >= source_.size()) {
        error(open, fmt::format("'{{{}' is never closed; expected '{}}}'", kind,
                                kind == '%' ? '%' : '}'));
      }
      if (!close_ahead(kind)) inner();
    }
  }

  void skip_spaces() {
    while (at_ < source_.size()) {
      const CodePoint point = decode_at(source_, at_);
      if (!is_space(point.code)) return;
      at_ += point.length;
    }
  }

  // After `-%}`: all white space; after `%}`: one newline when `trim`.
  void finish(size_t length, bool strip_all, bool trim) {
    at_ += length;
    const size_t before = at_;
    if (strip_all) {
      skip_spaces();
    } else if (trim && at_ < source_.size() && source_[at_] == '\n') {
      ++at_;
    }
    line_starts_ = at_ > before && source_[at_ - 1] == '\n';
  }

  bool close_ahead(char kind) const {
    if (!brackets_.empty()) return false;
    const std::string_view end = kind == '%' ? "%}" : "}}";
    const char sign = at_ < source_.size() ? source_[at_] : ' ';
    return starts(at_, end) ||
           ((sign == '-' || (sign == '+' && kind == '%')) && starts(at_ + 1, end));
  }

  bool close(char kind) {
    if (!close_ahead(kind)) return false;
    token(kind == '%' ? TokenKind::kBlockEnd : TokenKind::kPrintEnd, at_);
    const char sign = source_[at_];
    const bool has_sign = sign == '-' || sign == '+';
    finish(has_sign ? 3 : 2, sign == '-', kind == '%' && !has_sign);
    return true;
  }

  void comment(size_t open) {
    const size_t end = source_.find("#}", at_);
    if (end == std::string::npos) error(open, "'{#' is never closed; expected '#}'");
    const char sign = end > at_ ? source_[end - 1] : ' ';
    at_ = end;
    finish(2, sign == '-', sign != '+');
  }

  // `{% raw %}` when it stands at `at`: everything to `{% endraw %}` is data.
  bool raw(size_t open, size_t at) {
    const auto word = [&](size_t from, std::string_view name) -> size_t {
      while (from < source_.size() && is_space(source_[from])) ++from;
      if (!starts(from, name)) return 0;
      from += name.size();
      while (from < source_.size() && is_space(source_[from])) ++from;
      return from;
    };
    const size_t begin = word(at, "raw");
    if (!begin || !(starts(begin, "%}") || starts(begin, "-%}"))) return false;
    at_ = begin;
    finish(source_[begin] == '-' ? 3 : 2, source_[begin] == '-', false);
    for (size_t next = at_; (next = source_.find("{%", next)) != std::string::npos; next += 2) {
      const bool has_sign = starts(next, "{%-") || starts(next, "{%+");
      const size_t end = word(next + (has_sign ? 3 : 2), "endraw");
      if (!end) continue;
      const bool sign = starts(end, "-%}") || starts(end, "+%}");
      if (!sign && !starts(end, "%}")) continue;
      data(next);
      at_ = end;
      finish(sign ? 3 : 2, source_[end] == '-', !sign);
      return true;
    }
    error(open, "'{% raw %}' is never closed; expected '{% endraw %}'");
  }

  void inner() {
    const unsigned char c = static_cast<unsigned char>(source_[at_]);
    if (std::isdigit(c)) return number();
    if (name_start(c)) {
      size_t end = at_;
      while (end < source_.size() && name_part(static_cast<unsigned char>(source_[end]))) ++end;
      token(TokenKind::kName, at_, source_.substr(at_, end - at_));
      at_ = end;
      return;
    }
    if (c == '"' || c == '\'') return string(static_cast<char>(c));
    operation();
  }

  void operation() {
    constexpr std::array<std::string_view, 27> kOperators = {
        "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]",
        "(",  ")",  "{",  "}",  ">",  "<",  "=", ".", ":", "|", ",", ";", "!"};
    const auto found = std::find_if(kOperators.begin(), kOperators.end() - 1,
                                    [&](std::string_view op) { return starts(at_, op); });
    if (found == kOperators.end() - 1) {
      const size_t length = decode_at(source_, at_).length;
      error(at_, fmt::format("unexpected character '{}'", source_.substr(at_, length)));
    }
    const char c = found->front();
    if (c == '(' || c == '[' || c == '{') {
      brackets_.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    } else if (c == ')' || c == ']' || c == '}') {
      if (brackets_.empty() || brackets_.back() != c) {
        error(at_,
              fmt::format("unexpected '{}'{}", c,
                          brackets_.empty() ? std::string()
                                            : fmt::format("; expected '{}'", brackets_.back())));
      }
      brackets_.pop_back();
    }
    token(TokenKind::kOperator, at_, std::string(*found));
    at_ += found->size();
  }

  // Digits with single underscores between them, from `at`; the end, or `at` when there are none.
  size_t digits(size_t at, int base, std::string* out) const {
    const auto digit = [&](size_t i) {
      if (i >= source_.size()) return false;
      const char c = source_[i];
      const int value = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : 99;
      return value < base;
    };
    while (digit(at) ||
           (!out->empty() && at < source_.size() && source_[at] == '_' && digit(at + 1))) {
      if (source_[at] != '_') out->push_back(source_[at]);
      ++at;
    }
    return at;
  }

  void number() {
    const char second = at_ + 1 < source_.size() ? static_cast<char>(source_[at_ + 1] | 32) : ' ';
    if (source_[at_] == '0' && (second == 'x' || second == 'o' || second == 'b')) {
      const int base = second == 'x' ? 16 : second == 'o' ? 8 : 2;
      std::string text;
      const size_t end = digits(at_ + 2, base, &text);
      if (!text.empty()) return integer(end, text, base);
    }
    std::string text, part;
    size_t end = digits(at_, 10, &text);
    bool real = false;
    const bool after_dot = !tokens_.empty() && tokens_.back().text == "." &&
                           tokens_.back().kind == TokenKind::kOperator;
    if (!after_dot && end + 1 < source_.size() && source_[end] == '.') {
      const size_t past = digits(end + 1, 10, &part);
      if (!part.empty()) {
        text += "." + part;
        end = past;
        real = true;
      }
    }
    if (!after_dot && end < source_.size() && (source_[end] | 32) == 'e') {
      size_t from = end + 1;
      std::string power;
      const bool sign = from < source_.size() && (source_[from] == '+' || source_[from] == '-');
      const size_t past = digits(from + (sign ? 1 : 0), 10, &power);
      if (!power.empty()) {
        text += "e" + (sign ? std::string(1, source_[from]) : std::string()) + power;
        end = past;
        real = true;
      }
    }
    if (!real) return integer(end, text, 10);
    token(TokenKind::kFloat, at_).real = std::strtod(text.c_str(), nullptr);
    at_ = end;
  }

  void integer(size_t end, const std::string& text, int base) {
    int64_t value = 0;
    const auto done = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (done.ec != std::errc() || done.ptr != text.data() + text.size()) {
      error(at_, fmt::format("the number {} needs more than 64 bits", text));
    }
    token(TokenKind::kInteger, at_).integer = value;
    at_ = end;
  }

  void string(char quote) {
    const size_t begin = at_++;
    std::string text;
    while (at_ < source_.size() && source_[at_] != quote) {
      if (source_[at_] == '\\') {
        escape(begin, &text);
      } else {
        text.push_back(source_[at_++]);
      }
    }
    if (at_ >= source_.size()) error(begin, fmt::format("the string is never closed by {}", quote));
    ++at_;
    token(TokenKind::kString, begin, std::move(text));
  }

  // The escapes of a Python string; an unknown one stays as it is.
  void escape(size_t begin, std::string* text) {
    if (at_ + 1 >= source_.size()) error(begin, "the string is never closed");
    const char c = source_[at_ + 1];
    constexpr std::string_view kFrom = "ntrabfv\\'\"", kTo = "\n\t\r\a\b\f\v\\'\"";
    if (const size_t found = kFrom.find(c); found != std::string_view::npos) {
      text->push_back(kTo[found]);
      at_ += 2;
    } else if (c == '\n') {
      at_ += 2;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      coded(c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, at_ + 2, text);
    } else if (c >= '0' && c <= '7') {
      size_t count = 1;
      while (count < 3 && at_ + 1 + count < source_.size() && source_[at_ + 1 + count] >= '0' &&
             source_[at_ + 1 + count] <= '7') {
        ++count;
      }
      coded(count, 8, at_ + 1, text);
    } else if (c == 'N') {
      error(at_, "escapes by character name (\\N) are not supported; write the character");
    } else {
      text->push_back('\\');
      ++at_;
    }
  }

  void coded(size_t count, int base, size_t from, std::string* text) {
    int32_t code = 0;
    const char* end = source_.data() + std::min(from + count, source_.size());
    const auto done = std::from_chars(source_.data() + from, end, code, base);
    if (done.ptr != source_.data() + from + count || code < 0 || code > 0x10FFFF ||
        (code >= 0xD800 && code < 0xE000)) {
      error(at_, "wrong character escape in a string");
    }
    *text += encode_utf8(code);
    at_ = from + count;
  }

  std::string source_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  bool line_starts_ = true;     // only what follows a line break can be stripped up to the tag
  std::vector<char> brackets_;  // closing brackets waited for
  size_t counted_ = 0;
  Position position_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  if (source.size() > kTemplateBytesMax) {
    throw Error(ErrorCode::kResourceExhausted,
                fmt::format("[chat template] the template has {} bytes; the limit is {}",
                            source.size(), kTemplateBytesMax));
  }
  return Lexer(source).run();
}

}  // namespace ondol::text::jinja

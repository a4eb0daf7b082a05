#include "text/gbnf.h"

#include <map>
#include <optional>

#include "base/error.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

using Expr = GrammarBuilder::Expr;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  std::shared_ptr<const Grammar> parse() {
    blank(true);
    while (at_ < source_.size()) parse_rule();
    for (const auto& [name, rule] : rules_) {
      if (!rule.defined) {
        at_ = rule.first_use;
        fail("rule '" + name + "' is used", "no definition of it", "a line " + name + " ::= ...");
      }
    }
    const auto root = rules_.find("root");
    if (root == rules_.end()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[gbnf] no rule is called 'root'; got " + std::to_string(rules_.size()) +
                      " rules, expected one of this name to begin with; try root ::= ...");
    }
    return builder_.build(root->second.id);
  }

 private:
  struct Named {
    GrammarBuilder::Rule id = 0;
    bool defined = false;
    size_t first_use = 0;
  };

  [[noreturn]] void fail(const std::string& what, const std::string& got,
                         const std::string& expected) const {
    size_t line = 1, begin = 0;
    const size_t end = std::min(at_, source_.size());
    for (size_t i = 0; i < end; ++i) {
      if (source_[i] != '\n') continue;
      ++line;
      begin = i + 1;
    }
    size_t column = 1;
    for (size_t i = begin; i < end; ++column) i += read_utf8(source_, i).size;
    throw Error(ErrorCode::kInvalidArgument, "[gbnf] line " + std::to_string(line) + ", column " +
                                                 std::to_string(column) + ": " + what + "; got " +
                                                 got + ", expected " + expected);
  }

  // What stands here, for a message.
  std::string here() const {
    if (at_ >= source_.size()) return "the end of the text";
    if (source_[at_] == '\n') return "the end of the line";
    const Utf8Char c = read_utf8(source_, at_);
    if (c.code == kInvalidUtf8) return "a byte that is not UTF-8";
    if (c.code < 0x20) return "a control character";
    return "'" + std::string(source_.substr(at_, c.size)) + "'";
  }

  bool looking_at(char c) const { return at_ < source_.size() && source_[at_] == c; }

  void blank(bool lines) {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == '#') {
        while (at_ < source_.size() && source_[at_] != '\n' && source_[at_] != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view name() {
    const size_t begin = at_;
    while (at_ < source_.size() && is_name(source_[at_])) ++at_;
    if (at_ == begin) fail("a rule is missing", here(), "a name of letters, digits, - and _");
    return source_.substr(begin, at_ - begin);
  }

  Named& rule_named(std::string_view name, size_t use) {
    const auto found = rules_.find(name);
    if (found != rules_.end()) return found->second;
    Named& made = rules_[std::string(name)];
    made.id = builder_.add_rule(std::string(name));
    made.first_use = use;
    return made;
  }

  void parse_rule() {
    const size_t begin = at_;
    const std::string_view rule = name();
    blank(false);
    if (source_.substr(at_, 3) != "::=") fail("rule '" + std::string(rule) + "'", here(), "::=");
    at_ += 3;
    Named& named = rule_named(rule, begin);
    if (named.defined) {
      at_ = begin;
      fail("rule '" + std::string(rule) + "'", "a second definition", "one; try | between the two");
    }
    named.defined = true;
    blank(true);
    const Expr expr = alternatives(0);
    builder_.define(rules_.find(rule)->second.id, expr);
    if (at_ < source_.size() && source_[at_] != '\n' && source_[at_] != '\r') {
      fail("after rule '" + std::string(rule) + "'", here(), "the end of the line");
    }
    blank(true);
  }

  Expr alternatives(int depth) {
    if (depth > kGbnfDepthMax) {
      fail("groups in groups", "more than " + std::to_string(kGbnfDepthMax), "rules of their own");
    }
    std::vector<Expr> options = {sequence(depth)};
    while (looking_at('|')) {
      ++at_;
      blank(true);
      options.push_back(sequence(depth));
    }
    return options.size() == 1 ? options[0] : builder_.choice(std::move(options));
  }

  Expr sequence(int depth) {
    std::vector<Expr> parts;
    while (at_ < source_.size()) {
      const std::optional<Expr> part = atom(depth);
      if (!part) break;
      parts.push_back(*part);
      blank(depth > 0);
      while (repetition(parts.back())) blank(depth > 0);
    }
    return parts.size() == 1 ? parts[0] : builder_.sequence(std::move(parts));
  }

  std::optional<Expr> atom(int depth) {
    const char c = source_[at_];
    if (c == '"') return literal();
    if (c == '[') return char_class();
    if (c == '.') {
      ++at_;
      return builder_.one_of({{0, kCodeMax}});
    }
    if (c == '(') {
      ++at_;
      blank(true);
      const Expr inner = alternatives(depth + 1);
      if (!looking_at(')')) fail("a group", here(), "')'");
      ++at_;
      return inner;
    }
    if (c == '<' || c == '!') fail("a token", here(), "text; tokens in grammars are not supported");
    if (!is_name(c)) return std::nullopt;
    const size_t begin = at_;
    const std::string_view rule = name();
    return builder_.call(rule_named(rule, begin).id);
  }

  Expr literal() {
    const size_t begin = at_++;
    std::string bytes;
    while (!looking_at('"')) {
      if (at_ >= source_.size()) {
        at_ = begin;
        fail("a text", "no end of it", "'\"' behind it");
      }
      append_utf8(bytes, character());
    }
    ++at_;
    return builder_.literal(bytes);
  }

  Expr char_class() {
    const size_t begin = at_++;
    const bool others = looking_at('^');
    if (others) ++at_;
    std::vector<CodeRange> ranges;
    while (!looking_at(']')) {
      if (at_ >= source_.size()) {
        at_ = begin;
        fail("a class", "no end of it", "']' behind it");
      }
      const size_t first = at_;
      CodeRange range;
      range.low = range.high = character();
      if (looking_at('-') && at_ + 1 < source_.size() && source_[at_ + 1] != ']') {
        ++at_;
        range.high = character();
        if (range.high < range.low) {
          at_ = first;
          fail("a range", "its end before its beginning", "the smaller character first");
        }
      }
      ranges.push_back(range);
    }
    ++at_;
    return builder_.one_of(others ? other_ranges(ranges) : std::move(ranges));
  }

  char32_t character() {
    if (source_[at_] == '\\') return escape();
    const Utf8Char c = read_utf8(source_, at_);
    if (c.code == kInvalidUtf8) fail("the text", here(), "UTF-8");
    at_ += c.size;
    return c.code;
  }

  char32_t escape() {
    ++at_;
    if (at_ >= source_.size()) fail("an escape", here(), "a character behind \\");
    const char c = source_[at_++];
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      case 'U':
        return hex(8);
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return static_cast<char32_t>(c);
      default:
        --at_;
        fail("an escape", here(), "one of n r t x u U \\ \" [ ] - ^");
    }
  }

  char32_t hex(int digits) {
    const size_t begin = at_;
    char32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = at_ < source_.size() ? source_[at_] : ' ';
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("an escape", here(), std::to_string(digits) + " hexadecimal digits");
      value = value << 4 | static_cast<char32_t>(digit);
    }
    if (value > kCodeMax || (value >= 0xD800 && value <= 0xDFFF)) {
      at_ = begin;
      fail("an escape", "a number that is no character", "a code point");
    }
    return value;
  }

  uint32_t number() {
    const size_t begin = at_;
    uint32_t value = 0;
    while (at_ < source_.size() && source_[at_] >= '0' && source_[at_] <= '9') {
      value = value * 10 + static_cast<uint32_t>(source_[at_++] - '0');
      if (value > kGbnfRepeatMax) {
        at_ = begin;
        fail("a repetition", "a larger number", "at most " + std::to_string(kGbnfRepeatMax));
      }
    }
    if (at_ == begin) fail("a repetition", here(), "a number");
    blank(true);
    return value;
  }

  // What stands behind a part; false: nothing of the kind.
  bool repetition(Expr& part) {
    const char c = at_ < source_.size() ? source_[at_] : ' ';
    uint32_t min = 0, max = kRepeatMax;
    if (c == '*' || c == '+' || c == '?') {
      min = c == '+' ? 1 : 0;
      max = c == '?' ? 1 : kRepeatMax;
      ++at_;
    } else if (c == '{') {
      ++at_;
      blank(true);
      min = max = number();
      if (looking_at(',')) {
        ++at_;
        blank(true);
        max = looking_at('}') ? kRepeatMax : number();
      }
      if (!looking_at('}')) fail("a repetition", here(), "'}'");
      if (max < min) fail("a repetition", "its most before its least", "{least,most}");
      ++at_;
    } else {
      return false;
    }
    part = builder_.repeat(part, min, max);
    return true;
  }

  std::string_view source_;
  size_t at_ = 0;
  GrammarBuilder builder_;
  std::map<std::string, Named, std::less<>> rules_;
};

}  // namespace

std::shared_ptr<const Grammar> parse_gbnf(std::string_view source) {
  if (source.size() > kGbnfBytesMax) {
    throw Error(ErrorCode::kResourceExhausted,
                "[gbnf] the grammar has " + std::to_string(source.size()) +
                    " bytes; expected at most " + std::to_string(kGbnfBytesMax));
  }
  return Parser(source).parse();
}

}  // namespace ondol::text

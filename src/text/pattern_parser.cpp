#include "text/pattern_parser.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

using Ranges = std::vector<CodeRange>;

constexpr int kDepthMax = 200;
constexpr size_t kDraftMax = 200'000;
constexpr uint32_t kRepeatLimit = 10'000;

const Ranges kDigits = {{'0', '9'}};
const Ranges kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Ranges kSpace = {{0x09, 0x0D},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                       {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                       {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const Ranges kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

struct Piece {
  uint32_t begin = 0, end = 0;
};

class Parser {
 public:
  explicit Parser(std::u32string_view text) : text_(text) {}

  CodeAutomaton parse() {
    const uint32_t before = draft_.add(), after = draft_.add();
    draft_.states[before].edges.push_back({0, kCodeMax, before});
    const Piece all = alternatives(0);
    if (at_ < text_.size()) fail(ErrorCode::kInvalidArgument, "')'", "a '(' before it");
    draft_.states[before].skips.push_back(all.begin);
    draft_.states[all.end].skips.push_back(after);
    draft_.states[after].edges.push_back({0, kCodeMax, after});
    draft_.start = before;
    draft_.end = after;
    return draft_.determine();
  }

 private:
  [[noreturn]] void fail(ErrorCode code, const std::string& got,
                         const std::string& expected) const {
    throw Error(code, "[pattern] '" + to_utf8(text_) + "', character " + std::to_string(at_ + 1) +
                          ": got " + got + ", expected " + expected);
  }
  [[noreturn]] void refuse(const std::string& what) const {
    fail(ErrorCode::kUnsupported, what, "a pattern without it: it is not supported");
  }

  bool looking_at(std::u32string_view what) const { return text_.substr(at_, what.size()) == what; }
  bool take(std::u32string_view what) {
    if (!looking_at(what)) return false;
    at_ += what.size();
    return true;
  }

  uint32_t state() {
    if (draft_.states.size() >= kDraftMax) {
      fail(ErrorCode::kResourceExhausted, "a pattern too large", "smaller repetitions");
    }
    return draft_.add();
  }

  void skip(uint32_t from, uint32_t to) { draft_.states[from].skips.push_back(to); }

  Piece of(const Ranges& ranges) {
    const Piece piece = {state(), state()};
    for (const CodeRange range : normal_ranges(ranges)) {
      draft_.states[piece.begin].edges.push_back({range.low, range.high, piece.end});
    }
    return piece;
  }

  Piece alternatives(int depth) {
    if (depth > kDepthMax) {
      fail(ErrorCode::kResourceExhausted, "groups in groups",
           "fewer than " + std::to_string(kDepthMax));
    }
    const Piece all = {state(), state()};
    do {
      const Piece one = sequence(depth);
      skip(all.begin, one.begin);
      skip(one.end, all.end);
    } while (take(U"|"));
    return all;
  }

  Piece sequence(int depth) {
    Piece all;
    all.begin = all.end = state();
    while (at_ < text_.size() && !looking_at(U"|") && !looking_at(U")")) {
      const size_t begin = at_;
      Piece part = atom(depth);
      const size_t end = at_;
      if (const auto times = repetition()) part = repeated(part, begin, end, *times, depth);
      skip(all.end, part.begin);
      all.end = part.end;
    }
    return all;
  }

  struct Times {
    uint32_t min = 0, max = 0;
  };

  std::optional<Times> repetition() {
    Times times = {0, kRepeatMax};
    if (take(U"*")) {
    } else if (take(U"+")) {
      times.min = 1;
    } else if (take(U"?")) {
      times.max = 1;
    } else if (!braces(times)) {
      return std::nullopt;
    }
    take(U"?");  // as few as possible: the same strings
    if (looking_at(U"*") || looking_at(U"+") || looking_at(U"?")) {
      fail(ErrorCode::kInvalidArgument, "a repetition of a repetition", "( ) around the first");
    }
    return times;
  }

  // {m}, {m,} or {m,n}; anything else after { is text, as in browsers.
  bool braces(Times& times) {
    const size_t begin = at_;
    if (!take(U"{")) return false;
    const auto number = [&]() -> std::optional<uint32_t> {
      const size_t first = at_;
      uint32_t value = 0;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
        value = std::min(value * 10 + static_cast<uint32_t>(text_[at_] - '0'), kRepeatLimit + 1);
      }
      if (value > kRepeatLimit) {
        fail(ErrorCode::kResourceExhausted, "a repetition beyond " + std::to_string(kRepeatLimit),
             "a smaller one");
      }
      return at_ > first ? std::optional(value) : std::nullopt;
    };
    const auto min = number();
    if (min) {
      times = {*min, *min};
      if (take(U",")) times.max = number().value_or(kRepeatMax);
      if (take(U"}")) {
        if (times.max < times.min) fail(ErrorCode::kInvalidArgument, "{m,n} with n < m", "n >= m");
        return true;
      }
    }
    at_ = begin;
    return false;
  }

  // The part once more, by reading its text again.
  Piece again(size_t begin, size_t end, int depth) {
    const size_t here = at_;
    at_ = begin;
    const Piece piece = atom(depth);
    ONDOL_ASSERT(at_ == end);
    (void)end;
    at_ = here;
    return piece;
  }

  Piece repeated(Piece part, size_t begin, size_t end, Times times, int depth) {
    Piece all = {state(), state()};
    uint32_t last = all.begin;
    const bool endless = times.max == kRepeatMax;
    const uint32_t copies = endless ? times.min : times.max;
    for (uint32_t i = 0; i < copies; ++i) {
      if (i >= times.min) skip(last, all.end);
      const Piece one = i == 0 ? part : again(begin, end, depth);
      skip(last, one.begin);
      last = one.end;
    }
    if (endless) {
      const Piece one = copies == 0 ? part : again(begin, end, depth);
      const uint32_t loop = state();
      skip(last, loop);
      skip(loop, one.begin);
      skip(one.end, loop);
      last = loop;
    }
    skip(last, all.end);
    return all;
  }

  Piece atom(int depth) {
    const char32_t c = text_[at_];
    if (c == '(') return group(depth);
    if (c == '[') return of(char_class());
    if (take(U".")) return of(other_ranges(kLineEnds));
    if (c == '^' || c == '$') {
      ++at_;
      const Piece piece = {state(), state()};
      draft_.states[piece.begin].asserts.push_back({piece.end, c == '$'});
      return piece;
    }
    if (c == '*' || c == '+' || c == '?') {
      fail(ErrorCode::kInvalidArgument, "a repetition of nothing", "something before it");
    }
    if (c == '\\') return of(escape(false));
    ++at_;
    return of({{c, c}});
  }

  Piece group(int depth) {
    const size_t begin = at_++;
    if (looking_at(U"?=") || looking_at(U"?!") || looking_at(U"?<=") || looking_at(U"?<!")) {
      at_ = begin;
      refuse("look-around that is not directly behind the first ^");
    }
    if (take(U"?<")) {
      while (at_ < text_.size() && text_[at_] != '>') ++at_;
      if (!take(U">")) fail(ErrorCode::kInvalidArgument, "a group's name", "'>' behind it");
    } else if (!take(U"?:") && looking_at(U"?")) {
      refuse("(?");
    }
    const Piece inner = alternatives(depth + 1);
    if (!take(U")")) fail(ErrorCode::kInvalidArgument, "the end of the pattern", "')'");
    return inner;
  }

  Ranges char_class() {
    const size_t begin = at_++;
    const bool others = take(U"^");
    Ranges out;
    while (!looking_at(U"]")) {
      if (at_ >= text_.size()) {
        at_ = begin;
        fail(ErrorCode::kInvalidArgument, "a class without end", "']'");
      }
      const Ranges first = class_part();
      const bool range = looking_at(U"-") && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      const bool one = first.size() == 1 && first[0].low == first[0].high;
      if (!range || !one) {
        out.insert(out.end(), first.begin(), first.end());
        continue;
      }
      ++at_;
      const Ranges last = class_part();
      if (last.size() != 1 || last[0].low != last[0].high) {
        // "[a-\d]": three things, as in browsers.
        out.insert(out.end(), {first[0], {'-', '-'}});
        out.insert(out.end(), last.begin(), last.end());
        continue;
      }
      if (last[0].low < first[0].low) {
        fail(ErrorCode::kInvalidArgument, "a range from high to low", "the smaller end first");
      }
      out.push_back({first[0].low, last[0].low});
    }
    ++at_;
    return others ? other_ranges(out) : normal_ranges(std::move(out));
  }

  Ranges class_part() {
    const char32_t c = text_[at_];
    if (c == '\\') return escape(true);
    ++at_;
    return {{c, c}};
  }

  Ranges escape(bool in_class) {
    const size_t begin = at_++;
    if (at_ >= text_.size()) fail(ErrorCode::kInvalidArgument, "\\ at the end", "a character");
    const char32_t c = text_[at_++];
    const auto one = [](char32_t code) { return Ranges{{code, code}}; };
    switch (c) {
      case 'd':
        return kDigits;
      case 'D':
        return other_ranges(kDigits);
      case 'w':
        return kWord;
      case 'W':
        return other_ranges(kWord);
      case 's':
        return kSpace;
      case 'S':
        return other_ranges(kSpace);
      case 't':
        return one('\t');
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case '0':
        return one(0);
      case 'x':
        return one(hex(2));
      case 'u':
        return one(unicode());
      case 'b':
        if (in_class) return one('\b');
        break;
      default:
        break;
    }
    const bool name = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    at_ = name ? begin : at_;
    if (name) refuse("\\" + to_utf8(std::u32string(1, c)));
    return one(c);
  }

  char32_t hex(int digits) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char32_t c = at_ < text_.size() ? text_[at_] : U' ';
      const char32_t digit = c >= '0' && c <= '9'   ? c - '0'
                             : c >= 'a' && c <= 'f' ? c - 'a' + 10
                             : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                    : 16;
      if (digit > 15) fail(ErrorCode::kInvalidArgument, "an escape", "hexadecimal digits");
      value = value << 4 | digit;
    }
    return value;
  }

  // Two escapes of surrogates are one character.
  char32_t unicode() {
    char32_t code = 0;
    if (take(U"{")) {
      int digits = 0;
      for (; at_ < text_.size() && text_[at_] != '}' && digits < 6; ++digits) {
        code = code << 4 | hex(1);
      }
      if (digits == 0 || !take(U"}")) fail(ErrorCode::kInvalidArgument, "an escape", "\\u{...}");
    } else {
      code = hex(4);
      if (code >= 0xD800 && code <= 0xDBFF && take(U"\\u")) {
        const char32_t low = hex(4);
        if (low < 0xDC00 || low > 0xDFFF) refuse("half of a character");
        return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      }
    }
    if (code > kCodeMax || (code >= 0xD800 && code <= 0xDFFF)) refuse("an escape of no character");
    return code;
  }

  std::u32string_view text_;
  size_t at_ = 0;
  CodeDraft draft_;
};

}  // namespace

CodeAutomaton parse_pattern(std::u32string_view pattern) { return Parser(pattern).parse(); }

}  // namespace ondol::text

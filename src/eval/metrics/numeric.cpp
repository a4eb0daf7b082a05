// The number an answer ends on.
#include <array>
#include <cmath>
#include <cstdlib>

#include "eval/metrics.h"
#include "eval/metrics/script.h"
#include "text/fold.h"

namespace ondol::eval {
namespace {

struct NumberUnit {
  std::string_view word;
  double factor;
};
// Counting words that change the value; longer ones first.
constexpr std::array<NumberUnit, 9> kUnits = {{{"thousand", 1e3},
                                               {"million", 1e6},
                                               {"billion", 1e9},
                                               {"천만", 1e7},
                                               {"백만", 1e6},
                                               {"조", 1e12},
                                               {"억", 1e8},
                                               {"만", 1e4},
                                               {"천", 1e3}}};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// "6½" would fold to "61/2": written out before folding.
std::string prepare(std::string_view raw) {
  std::string text(raw);
  for (const auto& [sign, decimal] : {std::pair{"½", ".5"}, {"¼", ".25"}, {"¾", ".75"}}) {
    replace_all(text, sign, decimal);
  }
  text = text::nfkc_casefold(text);
  replace_all(text, "\u2212", "-");  // minus sign
  replace_all(text, "\u2044", "/");  // fraction slash
  return text;
}

class Scanner {
 public:
  explicit Scanner(const std::string& text) : text_(text) {}

  // The next number at or after the position; amounts as "3만 5천" are one number.
  std::optional<double> next() {
    while (at_ < text_.size() && !starts_number()) ++at_;
    if (at_ >= text_.size()) return std::nullopt;
    const bool negative = sign_before();
    double value = plain();
    double factor = unit();
    value *= factor;
    while (factor > 1) {
      const size_t back = at_;
      skip_spaces();
      if (!starts_number()) {
        at_ = back;
        break;
      }
      const double part = plain(), part_factor = unit();
      if (part_factor >= factor || part * part_factor >= factor) {
        at_ = back;
        break;
      }
      value += part * part_factor;
      factor = part_factor;
    }
    return negative ? -value : value;
  }

 private:
  bool digit(size_t i) const { return i < text_.size() && text_[i] >= '0' && text_[i] <= '9'; }
  bool starts_number() const { return digit(at_) || (text_[at_] == '.' && digit(at_ + 1)); }
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  // "-3", "(-3", "-$3"; in "2010-2012" the dash joins.
  bool sign_before() const {
    size_t i = at_;
    while (i > 0 && (text_[i - 1] == '$' || (text_[i - 1] & 0x80))) --i;
    return i > 0 && text_[i - 1] == '-' &&
           (i == 1 || text_[i - 2] == ' ' || text_[i - 2] == '(' || text_[i - 2] == '=' ||
            text_[i - 2] == '\n');
  }

  double plain() {
    std::string digits;
    bool point = false;
    for (; at_ < text_.size(); ++at_) {
      if (digit(at_)) {
        digits += text_[at_];
      } else if (text_[at_] == ',' && !point && digit(at_ + 1) && digit(at_ + 2) &&
                 digit(at_ + 3) && !digit(at_ + 4)) {
        continue;
      } else if (text_[at_] == '.' && !point && digit(at_ + 1)) {
        point = true;
        digits += '.';
      } else {
        break;
      }
    }
    double value = std::strtod(digits.c_str(), nullptr);
    if (at_ < text_.size() && text_[at_] == '/' && digit(at_ + 1)) {
      ++at_;
      const double divisor = plain();
      if (divisor != 0) value /= divisor;
    }
    return value;
  }

  double unit() {
    size_t after = at_;
    while (after < text_.size() && text_[after] == ' ') ++after;
    for (const NumberUnit& candidate : kUnits) {
      const bool latin = is_latin_or_digit(static_cast<unsigned char>(candidate.word[0]));
      if (text_.compare(latin ? after : at_, candidate.word.size(), candidate.word) == 0) {
        at_ = (latin ? after : at_) + candidate.word.size();
        return candidate.factor;
      }
    }
    return 1;
  }

  const std::string& text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<double> last_number(std::string_view raw) {
  const std::string text = prepare(raw);
  const size_t mark = text.rfind("####");
  if (mark != std::string::npos) {
    const std::string tail = text.substr(mark + 4);
    if (const auto marked = Scanner(tail).next()) return marked;
  }
  Scanner scanner(text);
  std::optional<double> last;
  while (const auto number = scanner.next()) last = number;
  return last;
}

bool numbers_equal(double a, double b, double relative, double absolute) {
  return std::abs(a - b) <= std::max(absolute, relative * std::abs(b));
}

}  // namespace ondol::eval

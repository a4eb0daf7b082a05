// Exact match, F1 over words and characters, containment.
#include <algorithm>
#include <map>

#include "eval/metrics.h"
#include "eval/metrics/script.h"
#include "text/fold.h"

namespace ondol::eval {
namespace {

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

// F1 of two multisets (Rajpurkar et al. 2016); both empty is agreement.
template <class Unit>
double multiset_f1(const std::vector<Unit>& answer, const std::vector<Unit>& gold) {
  if (answer.empty() || gold.empty()) return answer.empty() == gold.empty() ? 1 : 0;
  std::map<Unit, int64_t> left;
  for (const Unit& unit : gold) ++left[unit];
  int64_t common = 0;
  for (const Unit& unit : answer) {
    if (left[unit]-- > 0) ++common;
  }
  return 2.0 * static_cast<double>(common) / static_cast<double>(answer.size() + gold.size());
}

std::vector<char32_t> characters(std::string_view text) {
  const std::u32string points = text::to_code_points(without_spaces(normalize_answer(text)));
  return {points.begin(), points.end()};
}

// A text without its spaces, and where they were: languages that join words write the same thing
// with and without them.
struct Squeezed {
  std::u32string points;
  std::vector<bool> space_before;
};

Squeezed squeeze(std::string_view normalized) {
  Squeezed out;
  bool space = true;
  for (const char32_t c : text::to_code_points(normalized)) {
    if (c == ' ') {
      space = true;
      continue;
    }
    out.points.push_back(c);
    out.space_before.push_back(space);
    space = false;
  }
  return out;
}

// "17" must not be found in "117", nor "cat" in "cats".
bool ends_cleanly(const Squeezed& text, size_t at) {
  if (at == 0 || at == text.points.size() || text.space_before[at]) return true;
  return !(is_latin_or_digit(text.points[at - 1]) && is_latin_or_digit(text.points[at]));
}

bool contains_squeezed(const std::string& answer, const std::string& gold) {
  const Squeezed text = squeeze(answer), wanted = squeeze(gold);
  for (size_t at = text.points.find(wanted.points); at != std::u32string::npos;
       at = text.points.find(wanted.points, at + 1)) {
    if (ends_cleanly(text, at) && ends_cleanly(text, at + wanted.points.size())) return true;
  }
  return false;
}

}  // namespace

namespace {

// In Korean a last syllable may be a particle or part of the noun ("휴가"): both readings of both
// sides are compared and the best counts.
template <class Compare>
double best_reading(std::string_view answer, std::string_view gold, Compare compare) {
  const double plain = compare(normalize_answer(answer), normalize_answer(gold));
  if (!has_hangul(gold)) return plain;
  const std::string stem = normalize_korean(answer);
  return std::max({plain, compare(stem, normalize_answer(gold)),
                   compare(stem, normalize_korean(gold)),
                   compare(normalize_answer(answer), normalize_korean(gold))});
}

}  // namespace

double exact_match(std::string_view answer, std::string_view gold) {
  const bool joined = has_hangul(gold);
  return best_reading(answer, gold, [joined](const std::string& a, const std::string& g) {
    return (joined ? without_spaces(a) == without_spaces(g) : a == g) ? 1.0 : 0.0;
  });
}

double token_f1(std::string_view answer, std::string_view gold) {
  return best_reading(answer, gold, [](const std::string& a, const std::string& g) {
    return multiset_f1(overlap_units(a), overlap_units(g));
  });
}

double character_f1(std::string_view answer, std::string_view gold) {
  return multiset_f1(characters(answer), characters(gold));
}

bool contains_answer(std::string_view answer, std::string_view gold) {
  if (gold.empty()) return false;
  const std::string text = normalize_answer(answer), wanted = normalize_answer(gold);
  if (has_hangul(gold) || has_han_or_kana(gold)) {
    return contains_squeezed(text, wanted) || contains_squeezed(text, normalize_korean(gold));
  }
  const std::vector<std::string> words = split_words(text), sought = split_words(wanted);
  return !sought.empty() &&
         std::search(words.begin(), words.end(), sought.begin(), sought.end()) != words.end();
}

}  // namespace ondol::eval

#include "prompt/answer_text.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace ondol::prompt {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\"'*`";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(c < 128 ? std::tolower(c) : c); });
  return out;
}

// True when the word that the first character ends is longer than that.
bool goes_on(std::string_view text) {
  const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return text.size() > 1 && word(text[0]) && (word(text[1]) || text[1] == '\'');
}

}  // namespace

std::string extract_answer(std::string_view text, std::string_view marker) {
  if (!marker.empty()) {
    const size_t at = text.rfind(marker);
    if (at != std::string_view::npos) text.remove_prefix(at + marker.size());
  }
  text = trimmed(text);
  text = trimmed(text.substr(0, text.find('\n')));
  constexpr std::array<std::string_view, 5> kOpenings = {
      "therefore, the answer is", "the answer is", "the final answer is", "answer:", "is:"};
  for (std::string_view opening : kOpenings) {
    if (lower_ascii(text.substr(0, opening.size())) != opening) continue;
    if (goes_on(text.substr(opening.size() - 1))) continue;  // "The answer isn't ..."
    text.remove_prefix(opening.size());
    while (!text.empty() && (text.front() == ':' || text.front() == ' ')) text.remove_prefix(1);
    text = trimmed(text);
  }
  return std::string(text);
}

bool says_unknown(std::string_view text) {
  constexpr std::array<std::string_view, 14> kPhrases = {
      "do not say",         "does not say",   "don't say",        "not mentioned",
      "not specified",      "no information", "i don't know",     "i do not know",
      "cannot be answered", "not provided",   "unable to answer", "알 수 없",
      "나와 있지 않",       "모르겠"};
  const std::string lower = lower_ascii(text);
  return std::any_of(kPhrases.begin(), kPhrases.end(), [&](std::string_view phrase) {
    return lower.find(phrase) != std::string::npos;
  });
}

std::string vote_key(std::string_view answer) {
  std::string key;
  for (const char c : lower_ascii(answer)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 128 || std::isalnum(byte)) {
      key += c;
    } else if (!key.empty() && key.back() != ' ') {
      key += ' ';
    }
  }
  while (!key.empty() && key.back() == ' ') key.pop_back();
  return key;
}

}  // namespace ondol::prompt

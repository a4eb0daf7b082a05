#include "ground/retrievers/question_kind.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "ground/analysis.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

// Parts of a question, folded and with a blank at both ends. What asks for a whole goes first:
// "what do the two reports have in common overall?" is about the whole.
constexpr auto kWholeCues = std::to_array<std::string_view>({" overall",
                                                             " main theme",
                                                             " main topic",
                                                             " major theme",
                                                             " major topic",
                                                             " key theme",
                                                             " common theme",
                                                             " main idea",
                                                             " main point",
                                                             " key point",
                                                             " themes ",
                                                             " overview",
                                                             " summarise",
                                                             " summarize",
                                                             " summary of",
                                                             " sum up ",
                                                             " in general",
                                                             " as a whole",
                                                             " all documents",
                                                             " trend",
                                                             " all the documents",
                                                             " across documents",
                                                             " across the documents",
                                                             " big picture",
                                                             "전반적",
                                                             "전체적",
                                                             "주요 주제",
                                                             "핵심 주제",
                                                             "공통된 주제",
                                                             "주제는 무엇",
                                                             "주제들",
                                                             "요약해",
                                                             "요약하",
                                                             "개요",
                                                             "종합하",
                                                             "종합적",
                                                             "큰 흐름",
                                                             "모든 문서"});
constexpr auto kRelationCues = std::to_array<std::string_view>({" both ",
                                                                " whose ",
                                                                " in common",
                                                                " related to ",
                                                                " relation between",
                                                                " relationship ",
                                                                " connected to ",
                                                                " connection",
                                                                " difference between",
                                                                " compared ",
                                                                " compare ",
                                                                " older ",
                                                                " younger ",
                                                                " earlier than",
                                                                " later than",
                                                                "관계",
                                                                "둘 다",
                                                                "두 사람",
                                                                "비교",
                                                                "차이",
                                                                " 중 누가",
                                                                " 중 어느",
                                                                "사이의"});
// Words that join one thing to another; two of them make a chain: "the mother of the director of".
constexpr std::array kLinks =
    std::to_array<std::string_view>({"of", "by", "where", "that", "which", "who", "'s"});
constexpr int64_t kLinksOfChain = 3;
constexpr int64_t kNamesOfRelations = 2;

bool has_cue(const std::string& padded, std::span<const std::string_view> cues) {
  return std::ranges::any_of(
      cues, [&](std::string_view cue) { return padded.find(cue) != std::string::npos; });
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    const bool blank = i == text.size() || text[i] == ' ' || text[i] == '\n' || text[i] == '\t';
    if (!blank) continue;
    if (i > begin) words.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return words;
}

int64_t count_links(std::string_view folded) {
  int64_t links = 0;
  for (const std::string_view word : words_of(folded)) {
    links += std::ranges::find(kLinks, word) != kLinks.end();
    links += word.ends_with("'s") || word.ends_with("\u2019s");
    // 의 joins two nouns; shorter words (회의, 주의) end so by themselves.
    links += word.size() > 2 * 3 && word.ends_with("의") ? 2 : 0;
  }
  return links;
}

bool is_capital(std::string_view word) {
  return !word.empty() && ((word[0] >= 'A' && word[0] <= 'Z') || word.starts_with("\u00C9"));
}

}  // namespace

int64_t count_names(std::string_view question) {
  int64_t names = 0;
  bool in_name = false, first = true;
  for (std::string_view word : words_of(question)) {
    const bool quoted = word.starts_with('"') || word.starts_with("\u201C") ||
                        word.starts_with('\'') || word.starts_with("\u300A");
    while (!word.empty() && (word[0] == '"' || word[0] == '(')) word.remove_prefix(1);
    const bool ends = word.ends_with(',') || word.ends_with('?');
    std::string folded = text::fold_for_search(word);
    while (!folded.empty() && (folded.back() == ',' || folded.back() == '?')) folded.pop_back();
    const bool capital = quoted || (is_capital(word) && !is_stop_word(folded) && !first);
    if (capital && !in_name) ++names;
    in_name = capital && !ends;
    first = false;
  }
  return names;
}

QuestionKind question_kind(std::string_view question) {
  std::string padded = " ";
  for (const char c : text::fold_for_search(question)) {
    padded += c == '?' || c == ',' || c == '\n' ? ' ' : c;
  }
  padded += ' ';
  if (has_cue(padded, kWholeCues)) return QuestionKind::kWhole;
  if (has_cue(padded, kRelationCues) || count_links(padded) >= kLinksOfChain ||
      count_names(question) >= kNamesOfRelations) {
    return QuestionKind::kRelations;
  }
  return QuestionKind::kFact;
}

}  // namespace ondol::ground

#include "ground/extractors/function_words.h"

#include <algorithm>
#include <array>

namespace ondol::ground {
namespace {

// Sorted, for binary search; a test checks the order.
constexpr std::string_view kEnglish[] = {
    "a",       "about",   "above",     "across",    "after",   "again",     "against",  "ago",
    "all",     "almost",  "along",     "already",   "also",    "although",  "always",   "am",
    "among",   "an",      "and",       "another",   "any",     "anyone",    "anything", "are",
    "around",  "as",      "asked",     "at",        "away",    "back",      "be",       "became",
    "because", "become",  "becomes",   "been",      "before",  "began",     "behind",   "being",
    "below",   "best",    "better",    "between",   "both",    "bring",     "brought",  "but",
    "by",      "called",  "came",      "can",       "cannot",  "come",      "comes",    "could",
    "did",     "do",      "does",      "doing",     "done",    "down",      "due",      "during",
    "each",    "early",   "either",    "else",      "end",     "ended",     "enough",   "even",
    "ever",    "every",   "everyone",  "few",       "first",   "following", "for",      "found",
    "four",    "from",    "full",      "further",   "gave",    "get",       "gets",     "give",
    "given",   "go",      "goes",      "going",     "gone",    "good",      "got",      "great",
    "had",     "half",    "has",       "have",      "having",  "he",        "held",     "her",
    "here",    "hers",    "herself",   "him",       "himself", "his",       "how",      "however",
    "i",       "if",      "in",        "including", "instead", "into",      "is",       "it",
    "its",     "itself",  "just",      "keep",      "kept",    "known",     "large",    "last",
    "late",    "later",   "least",     "left",      "less",    "let",       "like",     "little",
    "located", "long",    "made",      "main",      "make",    "makes",     "making",   "many",
    "may",     "me",      "might",     "more",      "most",    "much",      "must",     "my",
    "myself",  "named",   "near",      "need",      "needs",   "neither",   "never",    "new",
    "next",    "no",      "nobody",    "none",      "nor",     "not",       "nothing",  "now",
    "of",      "off",     "often",     "old",       "on",      "once",      "one",      "only",
    "onto",    "open",    "opens",     "or",        "other",   "others",    "our",      "ours",
    "out",     "over",    "own",       "part",      "per",     "perhaps",   "put",      "quite",
    "rather",  "really",  "said",      "same",      "saw",     "say",       "says",     "second",
    "see",     "seen",    "several",   "shall",     "she",     "should",    "since",    "small",
    "so",      "some",    "someone",   "something", "soon",    "still",     "such",     "take",
    "taken",   "takes",   "than",      "that",      "the",     "their",     "theirs",   "them",
    "then",    "there",   "therefore", "these",     "they",    "third",     "this",     "those",
    "though",  "three",   "through",   "thus",      "to",      "together",  "too",      "took",
    "toward",  "towards", "two",       "under",     "unless",  "until",     "up",       "upon",
    "us",      "use",     "used",      "uses",      "using",   "usually",   "very",     "was",
    "way",     "we",      "well",      "went",      "were",    "what",      "when",     "where",
    "whether", "which",   "while",     "who",       "whole",   "whom",      "whose",    "why",
    "will",    "with",    "within",    "without",   "would",   "yes",       "yet",      "you",
    "your",    "yours",   "yourself"};

constexpr std::string_view kEdge[] = {
    "a",          "after",    "again",     "all",         "also",       "although", "an",
    "and",        "another",  "any",       "as",          "at",         "because",  "before",
    "both",       "but",      "by",        "currently",   "did",        "do",       "does",
    "during",     "each",     "earlier",   "even",        "eventually", "every",    "finally",
    "for",        "formerly", "from",      "furthermore", "had",        "has",      "have",
    "he",         "her",      "here",      "his",         "how",        "however",  "i",
    "if",         "in",       "initially", "instead",     "into",       "is",       "it",
    "its",        "later",    "many",      "may",         "meanwhile",  "more",     "moreover",
    "most",       "my",       "never",     "no",          "not",        "now",      "nowadays",
    "of",         "often",    "on",        "once",        "one",        "only",     "or",
    "originally", "other",    "our",       "perhaps",     "recently",   "she",      "since",
    "so",         "some",     "sometimes", "soon",        "still",      "such",     "that",
    "the",        "their",    "then",      "there",       "therefore",  "these",    "they",
    "this",       "those",    "though",    "thus",        "to",         "today",    "under",
    "until",      "upon",     "usually",   "was",         "we",         "were",     "what",
    "when",       "where",    "whether",   "which",       "while",      "who",      "whom",
    "whose",      "why",      "will",      "with",        "within",     "without",  "yesterday",
    "you",        "your"};

constexpr std::string_view kCalendar[] = {
    "april",     "august", "december", "february", "friday",   "january", "july",
    "june",      "march",  "may",      "monday",   "november", "october", "saturday",
    "september", "sunday", "thursday", "tuesday",  "wednesday"};

// Matched whole and as the last word of a stem. Bound nouns, pronouns, counters, common adverbs and
// stems of predicates that end like a noun with a particle.
constexpr std::string_view kKorean[] = {
    "가운데", "가장",   "가지",   "각각",   "같",     "거기", "결과적", "경우", "곳",   "과정",
    "관련",   "그것",   "그곳",   "그냥",   "그는",   "그대", "그동안", "그들", "그때", "그래서",
    "그러나", "그런",   "그런데", "그리고", "그중",   "까닭", "누구",   "다른", "다시", "다음",
    "대로",   "대부분", "대하",   "대한",   "대해",   "덕분", "동안",   "되",   "따라", "따로",
    "때",     "때문",   "또는",   "또한",   "마다",   "마련", "만큼",   "말고", "매우", "먼저",
    "모두",   "모든",   "무엇",   "바로",   "보다",   "본다", "부분",   "뿐",   "사실", "사이",
    "상당수", "서로",   "수밖",   "수시",   "스스로", "시작", "쓰임",   "아무", "아주", "안",
    "앞",     "약간",   "어느",   "어디",   "어떤",   "여기", "여러",   "예정", "오늘", "올해",
    "우리",   "위하",   "위한",   "위해",   "의하",   "의해", "이것",   "이곳", "이나", "이날",
    "이들",   "이때",   "이런",   "이를",   "이번",   "이상", "이후",   "일부", "자기", "자신",
    "작년",   "잘못",   "저것",   "저희",   "전체",   "정도", "제가",   "조금", "중",   "지금",
    "직접",   "최근",   "크게",   "통하",   "통해",   "하나", "하지",   "한편", "함께", "현재",
    "혼자"};

}  // namespace

bool is_english_function_word(std::string_view folded) {
  return std::binary_search(std::begin(kEnglish), std::end(kEnglish), folded);
}

bool is_english_edge_word(std::string_view folded) {
  return std::find(std::begin(kEdge), std::end(kEdge), folded) != std::end(kEdge);
}

bool is_english_calendar_word(std::string_view folded) {
  return std::find(std::begin(kCalendar), std::end(kCalendar), folded) != std::end(kCalendar);
}

bool is_korean_function_word(std::string_view word) {
  return std::find(std::begin(kKorean), std::end(kKorean), word) != std::end(kKorean);
}

}  // namespace ondol::ground

// What the terminal says in English and Korean: a small table, and which of the two a person wants.
//
//   const Language language = choose_language(asked, getenv("LC_ALL"), getenv("LANG"));
//   say(kUsage, language)   // "Usage" or "사용법"
//
// Results, JSON and error messages stay English: programs and search engines read them. Pure
// functions and constants; thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace ondol::cli {

enum class Language { kEnglish, kKorean };

struct Phrase {
  std::string_view english;
  std::string_view korean;
};

inline std::string_view say(const Phrase& phrase, Language language) {
  return language == Language::kKorean ? phrase.korean : phrase.english;
}

// `asked` is the value of --lang ("" when absent); the others are locale names or null. Throws
// Error(kInvalidArgument) for a --lang that is neither "ko" nor "en".
Language choose_language(std::string_view asked, const char* lc_all, const char* lang);

// How a stage of long work is shown: its first word translated, the rest kept.
std::string stage_label(std::string_view stage, Language language);
// Whether the stage counts bytes (shown in MB) rather than things.
bool stage_counts_bytes(std::string_view stage);

inline constexpr Phrase kTagline = {
    "run, ground and compare language models on your own machine",
    "내 컴퓨터에서 언어 모델을 돌리고, 문서에 근거하게 하고, 견줍니다"};
inline constexpr Phrase kUsage = {"Usage", "사용법"};
inline constexpr Phrase kOptions = {"Options", "옵션"};
inline constexpr Phrase kArguments = {"Arguments", "인자"};
inline constexpr Phrase kExamples = {"Examples", "보기"};
inline constexpr Phrase kCommands = {"Commands", "명령"};
inline constexpr Phrase kMoreHelp = {"`ondol COMMAND --help` explains one command.",
                                     "`ondol 명령 --help`가 명령 하나를 설명합니다."};
inline constexpr Phrase kNote = {"note: ", "알림: "};
inline constexpr Phrase kTimeLeft = {" left", " 남음"};
inline constexpr Phrase kStopped = {"stopped; what was finished is kept",
                                    "멈췄습니다. 끝난 일은 남아 있습니다"};
inline constexpr Phrase kRefused = {"The documents do not say.", "문서에 답이 없습니다."};
inline constexpr Phrase kSources = {"Sources:", "출처:"};
inline constexpr Phrase kNothingFound = {"nothing found", "찾은 것이 없습니다"};
inline constexpr Phrase kChatHint = {"Type a message; /reset forgets the conversation, /quit ends.",
                                     "글을 입력하세요. /reset은 대화를 지우고 /quit은 끝냅니다."};

}  // namespace ondol::cli

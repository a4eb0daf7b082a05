// What kind of search a question wants, seen from its words alone.
//
//   question_kind("Who is the mother of the director of Red Lake?")   // QuestionKind::kRelations
//
// Cues are words and forms in English and Korean; a question without any is about one fact. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace ondol::ground {

enum class QuestionKind : uint8_t {
  kFact,       // one passage says it
  kRelations,  // several things are joined, or one is reached through another
  kWhole,      // about all of the documents: themes, overviews
};

QuestionKind question_kind(std::string_view question);
// Names in capital letters (Latin) or quotes, runs counted once; a word that only begins the
// question is none.
int64_t count_names(std::string_view question);

}  // namespace ondol::ground

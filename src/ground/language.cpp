#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "ground/document.h"
#include "infer/embedder.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

// Enough to tell a language; more only costs time.
constexpr size_t kSampleBytes = 20000;

struct FunctionWords {
  std::string_view language;
  std::array<std::string_view, 16> words;
};

// Frequent words of each language that the others here do not have.
constexpr FunctionWords kFunctionWords[] = {
    {"en",
     {"the", "of", "and", "to", "is", "that", "it", "for", "with", "as", "this", "by", "are",
      "from", "which", "was"}},
    {"de",
     {"der", "die", "und", "das", "ist", "nicht", "ein", "eine", "mit", "auf", "für", "von", "dem",
      "den", "sich", "wurde"}},
    {"fr",
     {"le", "les", "et", "est", "une", "dans", "pour", "qui", "pas", "sur", "des", "du", "avec",
      "sont", "cette", "aux"}},
    {"es",
     {"el", "los", "las", "y", "una", "por", "con", "para", "del", "como", "más", "pero", "su",
      "al", "fue", "son"}},
};

std::string latin_language(std::string_view sample) {
  std::map<std::string_view, int> counts;
  const text::Segmenter segmenter;
  const std::string folded = text::fold_for_search(sample);
  for (const text::Span& span : segmenter.words(folded)) {
    const std::string_view word = std::string_view(folded).substr(span.from, span.to - span.from);
    for (const FunctionWords& row : kFunctionWords) {
      if (std::find(row.words.begin(), row.words.end(), word) != row.words.end()) {
        ++counts[row.language];
      }
    }
  }
  // Without evidence (names, numbers, code) Latin letters count as English.
  std::string best = "en";
  for (const auto& [language, count] : counts) {
    if (count > counts["en"] && count > counts[best]) best = language;
  }
  return best;
}

}  // namespace

std::string guess_language(std::string_view utf8) {
  size_t end = std::min(utf8.size(), kSampleBytes);
  while (end < utf8.size() && (static_cast<unsigned char>(utf8[end]) & 0xC0) == 0x80) --end;
  const std::string_view sample = utf8.substr(0, end);
  std::map<text::Script, int64_t> counts;
  for (size_t at = 0; at < sample.size();) {
    ++counts[text::script_of(text::next_code_point(sample, at))];
  }
  // A Hangul syllable or a Han character says about what three Latin letters say.
  const int64_t latin = counts[text::Script::kLatin];
  const int64_t hangul = 3 * counts[text::Script::kHangul];
  const int64_t kana = 3 * counts[text::Script::kKana];
  const int64_t han = 3 * counts[text::Script::kHan];
  const int64_t other = counts[text::Script::kOther];
  const int64_t most = std::max({latin, hangul, kana + han, other});
  if (most == 0) return "und";
  if (most == hangul) return "ko";
  if (most == kana + han) return kana * 10 > han ? "ja" : "zh";
  if (most == other) return "und";
  return latin_language(sample);
}

bool embedder_reads(const Embedder& embedder, std::string_view text) {
  const std::string language = guess_language(text);
  const bool latin = language != "ko" && language != "ja" && language != "zh";
  for (const std::string& covered : embedder.languages()) {
    const bool covered_latin = covered != "ko" && covered != "ja" && covered != "zh";
    if (covered == language || covered == "*" || (latin && covered_latin)) return true;
  }
  return false;
}

}  // namespace ondol::ground

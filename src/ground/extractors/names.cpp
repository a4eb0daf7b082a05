// Tier 0: what has a name in a text, by its form alone.
//
// English: runs of capitalised words, joined by "of", "de", "van" and the like when another capital
// follows; a single word at the beginning of a sentence counts only when the chunk or its title
// also has it inside. Noun phrases are runs of two or three lower-case words between function words
// and punctuation (Rose et al. 2010, RAKE); most are noise until they come again, so the graph
// keeps only those of two chunks (entity_graph.h). Korean: a word whose particle shows that it
// is a noun, without the particle; the same word without one counts once the chunk has shown it, or
// when it does not end as predicates and adverbs do.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "ground/entity_name.h"
#include "ground/extractors/extractors.h"
#include "ground/extractors/function_words.h"
#include "ground/particles.h"
#include "ground/sentences.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

constexpr size_t kNameWordsMax = 8;
constexpr size_t kPhraseWordsMax = 3;
constexpr size_t kMentionsMax = 400;  // of a chunk; more is a table or noise
constexpr size_t kSyllableBytes = 3;

struct Token {
  text::Span span;  // bytes of the text
  text::Script script = text::Script::kCommon;
  bool capital = false;
  std::string folded;
};

struct Sentence {
  int32_t number = 0;
  std::vector<Token> tokens;
};

struct Candidate {
  text::Span span;
  int32_t sentence = 0;
};

bool starts_with_capital(std::string_view word) {
  size_t at = 0;
  const char32_t first = text::next_code_point(word, at);
  if (text::script_of(first) != text::Script::kLatin) return false;
  return text::fold_for_search(word.substr(0, at)) != word.substr(0, at);
}

bool is_connector(std::string_view folded) {
  constexpr std::array<std::string_view, 16> kConnectors = {"of",  "the", "de",  "la", "von", "van",
                                                            "der", "den", "di",  "da", "du",  "del",
                                                            "des", "al",  "bin", "for"};
  return std::find(kConnectors.begin(), kConnectors.end(), folded) != kConnectors.end();
}

// A name may hold blanks, hyphens, apostrophes, ampersands and the dots of initials.
bool joins_name(std::string_view gap, std::string_view before) {
  if (gap == " " || gap == "-" || gap == "'" || gap == "’" || gap == " & " || gap == "–")
    return true;
  return gap == ". " && before.size() <= 2;  // "J. K. Rowling", "St. Louis"
}

class Reader {
 public:
  explicit Reader(const ChunkText& chunk) : chunk_(chunk) { cut(); }

  store::Extraction read() {
    note_words();
    for (const Sentence& sentence : sentences_) {
      english(sentence);
      korean(sentence);
    }
    title();
    return finish();
  }

 private:
  void cut();
  void note_words();
  void english(const Sentence& sentence);
  size_t name_end(const Sentence& sentence, size_t from) const;
  void take_name(const Sentence& sentence, size_t from, size_t to);
  size_t phrase_end(const Sentence& sentence, size_t from) const;
  void korean(const Sentence& sentence);
  void alias_after(text::Span name);
  void title();
  store::Extraction finish() const;

  std::string_view gap_after(const Sentence& sentence, size_t i) const {
    const size_t from = sentence.tokens[i].span.to;
    return std::string_view(chunk_.text).substr(from, sentence.tokens[i + 1].span.from - from);
  }
  std::string_view word(const Token& token) const {
    return std::string_view(chunk_.text).substr(token.span.from, token.span.to - token.span.from);
  }
  void add(text::Span span, int32_t sentence) { found_.push_back({span, sentence}); }

  const ChunkText& chunk_;
  std::vector<Sentence> sentences_;
  std::set<std::string> inner_capitals_;  // folded words that are capitalised inside a sentence
  std::set<std::string> korean_nouns_;    // stems that a particle has shown
  std::vector<Candidate> found_;
  std::vector<std::pair<text::Span, text::Span>>
      aliases_;  // a name and what follows in parentheses
  bool title_found_ = false;
};

void Reader::cut() {
  const text::Segmenter segmenter;
  int32_t number = 0;
  for (const PlacedSentence& placed : placed_sentences(chunk_.text)) {
    Sentence sentence{.number = number++};
    const auto begin = static_cast<size_t>(placed.text.data() - chunk_.text.data());
    for (const text::Span& part : segmenter.words(placed.text)) {
      Token token{.span = {begin + part.from, begin + part.to}};
      const std::string_view written = word(token);
      size_t at = 0;
      token.script = text::script_of(text::next_code_point(written, at));
      token.capital = token.script == text::Script::kLatin && starts_with_capital(written);
      token.folded = text::fold_for_search(written);
      sentence.tokens.push_back(std::move(token));
    }
    sentences_.push_back(std::move(sentence));
  }
}

bool is_noun_stem(std::string_view stem) {
  if (stem.size() < 2 * kSyllableBytes || is_korean_function_word(stem)) return false;
  if (stem.starts_with("것")) return false;  // 것이, 것은
  // Endings of predicates in front of what looks like a particle: 하는, 되는, 있는, 없이, 같이.
  constexpr std::array<std::string_view, 14> kPredicates = {
      "하", "되", "있", "없", "같", "했", "된", "한", "할", "될", "였", "었", "았", "지"};
  const std::string_view last = stem.substr(stem.size() - kSyllableBytes);
  return std::find(kPredicates.begin(), kPredicates.end(), last) == kPredicates.end();
}

// A word without a particle that does not end as predicates, adverbs and modifiers do.
bool is_bare_noun(std::string_view word) {
  if (!is_noun_stem(word)) return false;
  constexpr std::array<std::string_view, 34> kEndings = {
      "다", "요", "고", "며", "면", "게", "히", "서", "지", "네", "까", "려",
      "듯", "록", "던", "은", "는", "인", "일", "운", "른", "린", "진", "친",
      "든", "큰", "긴", "온", "간", "난", "런", "로", "해", "써"};
  const std::string_view last = word.substr(word.size() - kSyllableBytes);
  return std::find(kEndings.begin(), kEndings.end(), last) == kEndings.end();
}

void Reader::note_words() {
  const text::Segmenter segmenter;
  for (const text::Span& part : segmenter.words(chunk_.title)) {
    const std::string_view written =
        std::string_view(chunk_.title).substr(part.from, part.to - part.from);
    if (starts_with_capital(written)) inner_capitals_.insert(text::fold_for_search(written));
  }
  for (const Sentence& sentence : sentences_) {
    for (size_t i = 0; i < sentence.tokens.size(); ++i) {
      const Token& token = sentence.tokens[i];
      if (i > 0 && token.capital) inner_capitals_.insert(token.folded);
      if (token.script != text::Script::kHangul) continue;
      const std::string_view stem = without_particle(word(token));
      if (stem.size() < word(token).size() && is_noun_stem(stem)) korean_nouns_.emplace(stem);
    }
  }
}

// ---- English ----

// One past the last token of the name that begins at `from`.
size_t Reader::name_end(const Sentence& sentence, size_t from) const {
  const std::vector<Token>& tokens = sentence.tokens;
  size_t end = from + 1;
  while (end < tokens.size() && end - from < kNameWordsMax) {
    if (!joins_name(gap_after(sentence, end - 1), word(tokens[end - 1]))) break;
    const bool number = tokens[end].script == text::Script::kDigit;
    if (tokens[end].capital && tokens[end].folded == "the") break;  // another name begins
    if (tokens[end].capital || number) {
      ++end;
      continue;
    }
    // Connectors hold only when a capital follows them: "University of the Arts".
    size_t next = end;
    while (next < tokens.size() && next - end < 2 && is_connector(tokens[next].folded)) ++next;
    bool joined = next > end && next < tokens.size() && tokens[next].capital;
    for (size_t i = end; joined && i < next; ++i) joined = gap_after(sentence, i) == " ";
    if (!joined) break;
    end = next + 1;
  }
  return end;
}

void Reader::take_name(const Sentence& sentence, size_t from, size_t to) {
  const std::vector<Token>& tokens = sentence.tokens;
  const auto is_weak = [&](size_t i) {
    return is_english_edge_word(tokens[i].folded) || is_connector(tokens[i].folded);
  };
  const auto calendar = [&](size_t i) {
    return is_english_calendar_word(tokens[i].folded) || tokens[i].script == text::Script::kDigit;
  };
  const bool at_start = from == 0;
  while (from < to && is_weak(from)) ++from;
  while (from < to && is_weak(to - 1)) --to;
  if (from == to) return;
  bool only_calendar = true;
  for (size_t i = from; i < to; ++i) only_calendar = only_calendar && calendar(i);
  if (only_calendar) return;
  const bool alone = to - from == 1;
  if (alone && at_start && from == 0 && !inner_capitals_.contains(tokens[from].folded)) return;
  if (alone && (tokens[from].folded.size() < 2 || is_english_function_word(tokens[from].folded))) {
    return;
  }
  add({tokens[from].span.from, tokens[to - 1].span.to}, sentence.number);
  alias_after(found_.back().span);
}

// One past the last token of the run of plain lower-case words from `from`.
size_t Reader::phrase_end(const Sentence& sentence, size_t from) const {
  const auto plain = [&](const Token& token) {
    return token.script == text::Script::kLatin && !token.capital && token.folded.size() > 2 &&
           !is_english_function_word(token.folded);
  };
  size_t end = from;
  while (end < sentence.tokens.size() && plain(sentence.tokens[end])) {
    ++end;
    if (end == sentence.tokens.size()) break;
    const std::string_view gap = gap_after(sentence, end - 1);
    if (gap != " " && gap != "-") break;
  }
  return end;
}

void Reader::english(const Sentence& sentence) {
  const std::vector<Token>& tokens = sentence.tokens;
  for (size_t i = 0; i < tokens.size();) {
    if (tokens[i].capital) {
      const size_t end = name_end(sentence, i);
      take_name(sentence, i, end);
      i = end;
      continue;
    }
    const size_t end = phrase_end(sentence, i);
    if (end - i >= 2) {
      // The head of an English noun phrase stands last.
      const size_t from = std::max(i, end - std::min(end, kPhraseWordsMax));
      add({tokens[from].span.from, tokens[end - 1].span.to}, sentence.number);
    }
    i = std::max(end, i + 1);
  }
}

// ---- Korean ----

void Reader::korean(const Sentence& sentence) {
  for (size_t i = 0; i < sentence.tokens.size(); ++i) {
    const Token& token = sentence.tokens[i];
    if (token.script != text::Script::kHangul) continue;
    // After Latin letters or digits without a blank it is a particle or a counter: KT는, 16명.
    if (i > 0 && sentence.tokens[i - 1].span.to == token.span.from) continue;
    const std::string_view stem = without_particle(word(token));
    const bool bare = stem.size() == word(token).size();
    if (!korean_nouns_.contains(std::string(stem)) && !(bare && is_bare_noun(stem))) continue;
    add({token.span.from, token.span.from + stem.size()}, sentence.number);
    alias_after(found_.back().span);
  }
}

// "American Psychological Association (APA)": capitals that are the initials of the name's words,
// or of a Korean name, stand in parentheses right behind it.
void Reader::alias_after(text::Span name) {
  const std::string_view rest = std::string_view(chunk_.text).substr(name.to);
  const size_t open = rest.starts_with(" (") ? 2 : rest.starts_with("(") ? 1 : 0;
  const size_t close = rest.find(')');
  if (open == 0 || close == std::string_view::npos || close < open + 2 || close > open + 10) return;
  const std::string_view inside = rest.substr(open, close - open);
  if (!std::all_of(inside.begin(), inside.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    return;
  const std::string_view written =
      std::string_view(chunk_.text).substr(name.from, name.to - name.from);
  size_t at = 0;
  if (text::script_of(text::next_code_point(written, at)) != text::Script::kHangul) {
    std::string initials;
    const text::Segmenter segmenter;
    for (const text::Span& part : segmenter.words(written)) {
      if (starts_with_capital(written.substr(part.from))) initials += written[part.from];
    }
    if (initials != inside) return;
  }
  aliases_.push_back({name, {name.to + open, name.to + close}});
}

// ---- the chunk as a whole ----

// A document's title names what it is about, whether or not this chunk repeats it. What stands in
// parentheses tells namesakes apart and is no part of the name.
void Reader::title() {
  std::string name = chunk_.title.substr(0, chunk_.title.find(" ("));
  const std::string key = entity_key(name);
  title_found_ = !key.empty() && key_words(key).size() <= kNameWordsMax;
}

store::Extraction Reader::finish() const {
  store::Extraction out;
  std::vector<Candidate> sorted = found_;
  std::sort(sorted.begin(), sorted.end(), [](const Candidate& a, const Candidate& b) {
    return a.span.from != b.span.from ? a.span.from < b.span.from : a.span.to < b.span.to;
  });
  size_t byte = 0;
  int64_t points = 0;
  const auto to_points = [&](size_t offset) {
    points += static_cast<int64_t>(
        text::count_code_points(std::string_view(chunk_.text).substr(byte, offset - byte)));
    byte = offset;
    return points;
  };
  const std::string title_name = chunk_.title.substr(0, chunk_.title.find(" ("));
  if (title_found_) out.mentions.push_back({{entity_key(title_name), ""}, title_name, 0, 0, 0});
  for (const Candidate& candidate : sorted) {
    if (out.mentions.size() >= kMentionsMax) {
      ++out.rejected["more than 400 names in one chunk"];
      continue;
    }
    const std::string surface =
        chunk_.text.substr(candidate.span.from, candidate.span.to - candidate.span.from);
    std::string key = entity_key_of_stem(surface);
    if (key.empty()) continue;
    const int64_t from = to_points(candidate.span.from);
    const int64_t size = static_cast<int64_t>(text::count_code_points(surface));
    out.mentions.push_back({{std::move(key), ""}, surface, from, from + size, candidate.sentence});
  }
  for (const auto& [name, alias] : aliases_) {
    const auto written = [&](text::Span span) {
      return chunk_.text.substr(span.from, span.to - span.from);
    };
    const store::EntityName owner{entity_key_of_stem(written(name)), ""};
    const bool kept = std::any_of(out.mentions.begin(), out.mentions.end(),
                                  [&](const store::Mention& m) { return m.entity == owner; });
    if (kept) out.properties.push_back({owner, "alias", written(alias)});
  }
  return out;
}

class NameExtractor final : public Extractor {
 public:
  std::string name() const override { return "names"; }
  std::string version() const override { return "3"; }
  std::vector<store::Extraction> extract_all(std::span<const ChunkText> chunks) const override {
    std::vector<store::Extraction> all;
    for (const ChunkText& chunk : chunks) {
      all.push_back(Reader(chunk).read());
      all.back().extractor = name();
      all.back().version = version();
    }
    return all;
  }
};

}  // namespace

std::unique_ptr<Extractor> make_name_extractor(const ExtractorResources&) {
  return std::make_unique<NameExtractor>();
}

}  // namespace ondol::ground

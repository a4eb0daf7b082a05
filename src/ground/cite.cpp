#include "ground/cite.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "ground/analysis.h"
#include "ground/sentences.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

// A shorter answer than this is found inside other words too often ("a", "10" in "2010") to be
// trusted as a substring; it must match as terms.
constexpr size_t kSubstringBytesMin = 4;

struct Sentence {
  size_t evidence = 0;
  int64_t source = -1;  // of a text made of others: which of its sources this is cited as
  std::string text;
  int64_t char_from = 0;
  int64_t char_to = 0;
  std::set<std::string> terms;
  double support = 0;
};

// The numbers n of the "[n]" that a line ends in, as positions; the line loses them.
std::vector<int64_t> take_marks(std::string_view& line, size_t sources) {
  std::vector<int64_t> marks;
  while (!line.empty() && line.back() == ']') {
    const size_t open = line.rfind('[');
    int64_t number = 0;
    const char* const end = line.data() + line.size() - 1;
    if (open == std::string_view::npos ||
        std::from_chars(line.data() + open + 1, end, number).ptr != end) {
      break;
    }
    line.remove_suffix(line.size() - open);
    if (number >= 1 && number <= static_cast<int64_t>(sources)) marks.push_back(number - 1);
  }
  std::reverse(marks.begin(), marks.end());
  return marks;
}

// "[2] ...": a sentence that is shown, which may itself end in brackets of its own.
bool is_shown_sentence(std::string_view line) {
  const size_t close = line.find_first_not_of("0123456789", 1);
  return line.starts_with('[') && close != std::string_view::npos && close > 1 &&
         line.substr(close).starts_with("] ");
}

// Of a text made of others: its sources, and its lines for the sources that they rest on.
void add_sources(const Evidence& piece, size_t number, std::vector<Sentence>& all) {
  for (size_t s = 0; s < piece.sources.size(); ++s) {
    all.push_back(
        {.evidence = number, .source = static_cast<int64_t>(s), .text = piece.sources[s].quote});
  }
  std::string_view rest = piece.text;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (is_shown_sentence(line)) continue;  // a source, added above
    for (const int64_t source : take_marks(line, piece.sources.size())) {
      all.push_back({.evidence = number, .source = source, .text = std::string(line)});
    }
  }
}

std::vector<Sentence> sentences_of(std::span<const Evidence> evidence, const Analyzer& analyzer) {
  std::vector<Sentence> all;
  for (size_t e = 0; e < evidence.size(); ++e) {
    if (!evidence[e].sources.empty()) {
      add_sources(evidence[e], e, all);
      continue;
    }
    for (const PlacedSentence& placed : placed_sentences(evidence[e].text, evidence[e].char_from)) {
      all.push_back({.evidence = e,
                     .text = std::string(placed.text),
                     .char_from = placed.char_from,
                     .char_to = placed.char_to});
    }
  }
  for (Sentence& sentence : all) {
    for (std::string& term : analyzer.terms(sentence.text)) sentence.terms.insert(std::move(term));
  }
  return all;
}

void score(std::vector<Sentence>& sentences, const std::string& answer, const Analyzer& analyzer) {
  std::map<std::string, double> weights;
  double total = 0;
  for (const std::string& term : analyzer.terms(answer)) {
    if (weights.contains(term)) continue;
    const auto with_term = static_cast<double>(
        std::count_if(sentences.begin(), sentences.end(),
                      [&](const Sentence& s) { return s.terms.contains(term); }));
    const auto n = static_cast<double>(sentences.size());
    weights[term] = std::log(1.0 + (n - with_term + 0.5) / (with_term + 0.5));
    total += weights[term];
  }
  std::string folded = text::fold_for_search(answer);
  while (!folded.empty() && (folded.back() == '.' || folded.back() == ' ')) folded.pop_back();
  for (Sentence& sentence : sentences) {
    double held = 0;
    for (const auto& [term, weight] : weights) {
      if (sentence.terms.contains(term)) held += weight;
    }
    sentence.support = total > 0 ? held / total : 0;
    if (folded.size() >= kSubstringBytesMin &&
        text::fold_for_search(sentence.text).find(folded) != std::string::npos) {
      sentence.support = 1.0;
    }
  }
}

}  // namespace

std::vector<Citation> cite(std::string_view answer, std::span<const Evidence> evidence,
                           const CiteOptions& options) {
  const Analyzer analyzer({.drop_stop_words = true});
  std::vector<Sentence> sentences = sentences_of(evidence, analyzer);
  score(sentences, std::string(answer), analyzer);
  // Equal support: the evidence's own order, which is the retriever's.
  std::stable_sort(sentences.begin(), sentences.end(),
                   [](const Sentence& a, const Sentence& b) { return a.support > b.support; });
  std::vector<Citation> citations;
  std::set<std::pair<size_t, int64_t>> cited;  // sources, each once
  for (const Sentence& sentence : sentences) {
    if (sentence.support <= 0 || sentence.support < options.support_min) break;
    if (citations.size() >= options.citations_max) break;
    const Evidence& source = evidence[sentence.evidence];
    if (sentence.source >= 0) {
      if (!cited.emplace(sentence.evidence, sentence.source).second) continue;
      citations.push_back(source.sources[static_cast<size_t>(sentence.source)]);
    } else {
      citations.push_back({source.document, source.heading, source.chunk_id, sentence.char_from,
                           sentence.char_to, sentence.text});
    }
    // One sentence that says it all is enough; a second one would only repeat it.
    if (sentence.support >= 1.0) break;
  }
  return citations;
}

}  // namespace ondol::ground

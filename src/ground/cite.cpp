#include "ground/cite.h"

#include <algorithm>
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
  std::string text;
  int64_t char_from = 0;
  int64_t char_to = 0;
  std::set<std::string> terms;
  double support = 0;
};

std::vector<Sentence> sentences_of(std::span<const Evidence> evidence, const Analyzer& analyzer) {
  std::vector<Sentence> all;
  for (size_t e = 0; e < evidence.size(); ++e) {
    for (const PlacedSentence& placed : placed_sentences(evidence[e].text, evidence[e].char_from)) {
      Sentence sentence{e, std::string(placed.text), placed.char_from, placed.char_to};
      for (std::string& term : analyzer.terms(sentence.text))
        sentence.terms.insert(std::move(term));
      all.push_back(std::move(sentence));
    }
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
  for (const Sentence& sentence : sentences) {
    if (sentence.support <= 0 || sentence.support < options.support_min) break;
    if (citations.size() >= options.citations_max) break;
    const Evidence& source = evidence[sentence.evidence];
    citations.push_back({source.document, source.heading, source.chunk_id, sentence.char_from,
                         sentence.char_to, sentence.text});
    // One sentence that says it all is enough; a second one would only repeat it.
    if (sentence.support >= 1.0) break;
  }
  return citations;
}

}  // namespace ondol::ground
